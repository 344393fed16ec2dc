"""Who may do what, for everything that asks: services, broker, model servers, command line and console.

AccessError
├── TokensUnreadable   the file of tokens cannot be read or is damaged: nobody is let in
├── UnknownToken       a token that was asked for by id or subject does not exist
└── TooOpen            a file with a secret in it may be read by others than its owner
"""

from murmur_access.broker import BrokerAccess, BrokerSettings, KafkaProtocol, broker_access
from murmur_access.errors import AccessError, TokensUnreadable, TooOpen, UnknownToken
from murmur_access.roles import Person, Role
from murmur_access.tokens import IssuedToken, TokenFile, TokenRecord

__all__ = [
    "AccessError",
    "BrokerAccess",
    "BrokerSettings",
    "IssuedToken",
    "KafkaProtocol",
    "Person",
    "Role",
    "TokenFile",
    "TokenRecord",
    "TokensUnreadable",
    "TooOpen",
    "UnknownToken",
    "broker_access",
]
