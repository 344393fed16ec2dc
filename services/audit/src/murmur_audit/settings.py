"""What audit is told by its environment."""

from pathlib import Path

from pydantic import Field

from murmur_kernel.settings import KernelSettings


class Settings(KernelSettings):
    """MURMUR_AUDIT_… beside what every service has."""

    audit_ledger: Path | None = Field(default=None, description="where the ledger is; <home>/ledger unless said")
    audit_checkpoint_entries: int = Field(default=1000, ge=1, description="sign a checkpoint after so many entries")
    audit_checkpoint_seconds: float = Field(default=60, gt=0, description="or after so long, if there is a new entry")
    audit_verify_seconds: float = Field(default=600, gt=0, description="how often the whole ledger is read again")

    @property
    def ledger(self) -> Path:
        return self.audit_ledger or self.home.resolve() / "ledger"

    @property
    def signing_key(self) -> Path:
        return self.home.resolve() / "secrets" / "audit-signing-key.pem"
