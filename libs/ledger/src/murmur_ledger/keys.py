"""The key pair that checkpoints are signed with: the private half stays in one file that only its owner may read."""

from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from murmur_ledger.errors import BadKey
from murmur_ledger.folder import write_durably

PublicKey = Ed25519PublicKey


def load_or_create(path: Path) -> Ed25519PrivateKey:
    """The key in that file; made at the first time, mode 0600. Raises BadKey."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = Ed25519PrivateKey.generate()
        write_durably(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), mode=0o600)
        return key
    if path.stat().st_mode & 0o077:
        raise BadKey(path, f"others may read it: chmod 600 {path}")
    try:
        loaded = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, OSError, UnsupportedAlgorithm) as error:
        raise BadKey(path, str(error)) from None
    if not isinstance(loaded, Ed25519PrivateKey):
        raise BadKey(path, f"it is a {type(loaded).__name__}")
    return loaded


def public_pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def public_from(pem: bytes, path: object) -> Ed25519PublicKey:
    """Only the canonical form is taken, so that no byte of the file can change unseen. Raises BadKey."""
    try:
        loaded = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadKey(path, str(error)) from None
    if not isinstance(loaded, Ed25519PublicKey):
        raise BadKey(path, f"it is a {type(loaded).__name__}")
    if public_pem(loaded) != pem:
        raise BadKey(path, "it is not in the form in which it was written")
    return loaded


def key_id(key: Ed25519PublicKey) -> str:
    """Sixteen characters that name a key."""
    return sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]
