#!/bin/bash
# One broker of docker-compose.yml: its configuration, its storage formatted once with the operator as a user, then Kafka.
# The image's own start script makes no user, and Kafka makes the first one only when its storage is formatted.
set -euo pipefail
umask 077
here=$(dirname "$0")
node=${KAFKA_NODE:-${HOSTNAME##*-}} # the host is called kafka-2
secrets=${KAFKA_SECRETS:-/run/secrets}
scratch=${KAFKA_SCRATCH:-/tmp}
sed -e "s|@NODE@|$node|g" -e "s|@SECRETS@|$secrets|g" "$here/server.properties" > "$scratch/server.properties"

java=(java -cp "${KAFKA_LIBS:-/opt/kafka/libs/*}" "-Dlog4j2.configurationFile=$here/log4j2.properties")
# A password on a command line can be read in the list of processes: java takes its arguments from a file.
cat > "$scratch/format.args" <<ARGUMENTS
kafka.tools.StorageTool format --ignore-formatted
--cluster-id=$KAFKA_CLUSTER_ID
--config=$scratch/server.properties
--add-scram "SCRAM-SHA-512=[name=operator,password=$(cat "$secrets/kafka_operator")]"
ARGUMENTS
"${java[@]}" -Xmx128m "@$scratch/format.args"
rm "$scratch/format.args"

exec "${java[@]}" "-Xmx${KAFKA_MEMORY:-1g}" -XX:+ExitOnOutOfMemoryError kafka.Kafka "$scratch/server.properties"
