#!/bin/sh
# What a service is told by secrets, and which of its replicas it is.
set -eu
umask 077
# Secrets are mounted with the mode of the host's files; Murmuration reads only files that nobody else may read.
# So they are copied into memory: /run/murmur is a tmpfs.
if [ -d /run/secrets ]; then
    for secret in /run/secrets/*; do
        [ -f "$secret" ] && cat "$secret" > "/run/murmur/$(basename "$secret")"
    done
fi
# The address of the stores holds a password: it comes as a file and is known to this process only.
if [ -f /run/murmur/store ]; then
    MURMUR_STORE=$(cat /run/murmur/store)
    export MURMUR_STORE
fi
# Who it is at Kafka: a user with its service's name, unless it is told another.
MURMUR_KAFKA_USER=${MURMUR_KAFKA_USER:-$MURMUR_PROCESS}
if [ -f "/run/murmur/kafka_$MURMUR_KAFKA_USER" ]; then
    MURMUR_KAFKA_PASSWORD_FILE=/run/murmur/kafka_$MURMUR_KAFKA_USER
    export MURMUR_KAFKA_USER MURMUR_KAFKA_PASSWORD_FILE
fi
# Replicas of one service differ in their host name only, which a restarted container keeps.
MURMUR_REPLICA=${MURMUR_REPLICA:-$(hostname | cksum | cut -d ' ' -f 1)}
export MURMUR_REPLICA
[ $# -gt 0 ] || set -- python -m "murmur_$MURMUR_PROCESS"
exec "$@"
