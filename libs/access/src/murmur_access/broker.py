"""How a Kafka client reaches the broker: who it is there, by which secret, whom it trusts."""

import ssl
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from murmur_access.private import read_private

MECHANISM = "SCRAM-SHA-512"


class KafkaProtocol(StrEnum):
    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"

    @property
    def asks_who(self) -> bool:
        return self in (KafkaProtocol.SASL_PLAINTEXT, KafkaProtocol.SASL_SSL)

    @property
    def encrypts(self) -> bool:
        return self in (KafkaProtocol.SSL, KafkaProtocol.SASL_SSL)


class BrokerAccess(BaseModel):
    """One user's way to the brokers. Written down it names the file of the password, never the password.

    ca: certificates to trust (PEM); without it those that the machine trusts
    """

    model_config = ConfigDict(frozen=True)

    brokers: str
    protocol: KafkaProtocol = KafkaProtocol.PLAINTEXT
    user: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    ca: Path | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        has_password = self.password is not None or self.password_file is not None
        if self.protocol.asks_who and not (self.user and has_password):
            raise ValueError(
                f"MURMUR_KAFKA_PROTOCOL={self.protocol.value} needs MURMUR_KAFKA_USER and MURMUR_KAFKA_PASSWORD_FILE:"
                f" the user is {self.user!r} and the password is {'given' if has_password else 'missing'}"
            )
        return self

    def secret(self) -> str | None:
        """The password, read anew each time. Raises OSError, TooOpen."""
        if self.password is not None:
            return self.password.get_secret_value()
        return None if self.password_file is None else read_private(self.password_file)

    def arguments(self) -> dict[str, Any]:
        """What aiokafka's clients take, address included. Raises OSError, TooOpen."""
        found: dict[str, Any] = {"bootstrap_servers": self.brokers, "security_protocol": self.protocol.value}
        if self.protocol.asks_who:
            found |= {
                "sasl_mechanism": MECHANISM,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.secret(),
            }
        if self.protocol.encrypts:
            found["ssl_context"] = self.tls()
        return found

    def tls(self) -> ssl.SSLContext:
        """Verifies the broker's certificate and its name. Raises OSError."""
        return ssl.create_default_context(cafile=str(self.ca) if self.ca else None)

    def environment(self) -> dict[str, str]:
        """The settings that make another process reach the broker in the same way, by files only."""
        settings = {
            "MURMUR_BROKERS": self.brokers,
            "MURMUR_KAFKA_PROTOCOL": self.protocol.value,
            "MURMUR_KAFKA_USER": self.user,
            "MURMUR_KAFKA_PASSWORD_FILE": self.password_file,
            "MURMUR_KAFKA_CA": self.ca,
        }
        return {name: str(value) for name, value in settings.items() if value is not None}


class BrokerSettings(BaseSettings):
    """MURMUR_BROKERS and MURMUR_KAFKA_…, as every process with a Kafka client has them."""

    model_config = SettingsConfigDict(env_prefix="MURMUR_", extra="ignore")

    brokers: str = "127.0.0.1:8081"
    kafka_protocol: KafkaProtocol = KafkaProtocol.PLAINTEXT
    kafka_user: str | None = None
    kafka_password: SecretStr | None = None
    kafka_password_file: Path | None = None
    kafka_ca: Path | None = None

    @property
    def broker_access(self) -> BrokerAccess:
        """Raises ValidationError when what is set does not fit together."""
        return BrokerAccess(
            brokers=self.brokers,
            protocol=self.kafka_protocol,
            user=self.kafka_user,
            password=self.kafka_password,
            password_file=self.kafka_password_file,
            ca=self.kafka_ca,
        )


def broker_access(where: BrokerAccess | str) -> BrokerAccess:
    """A mere address is a broker that asks nobody who they are."""
    return where if isinstance(where, BrokerAccess) else BrokerAccess(brokers=where)
