"""What the monitor is told by its environment, beyond what every service is told."""

from pathlib import Path

from pydantic import Field

from murmur_kernel.settings import KernelSettings


class Settings(KernelSettings):
    window_grace_seconds: float = Field(default=2.0, ge=0, description="how long a window stays open after its end")
    window_scan_seconds: float = Field(default=0.5, gt=0, description="pause between two looks for closed windows")
    window_late_seconds: float = Field(
        default=1800, ge=1, description="how far behind the newest window a late row still counts, as a new revision"
    )
    window_sample_rows: int = Field(default=1000, ge=50, description="rows of a window that are kept to be tested")
    clock_skew_seconds: float = Field(default=300, ge=0, description="how far in the future a row's time may lie")
    announce_seconds: float = Field(
        default=30, ge=0, description="how long predictions wait for the model.deployed of their deployment or version"
    )
    changelog_replicas: int = Field(default=1, ge=1, description="copies of the windows that the brokers keep")
    quality_seconds: float = Field(
        default=5.0, gt=0, description="pause between two looks for windows whose labels have changed"
    )
    label_rows: int = Field(
        default=50_000_000,
        ge=1000,
        description="predictions, labels and labelled predictions that are kept, about 65 bytes each;"
        " the oldest make room",
    )

    @property
    def label_book(self) -> Path:
        """Beside the stores, so that a backup takes it with them."""
        return self.home.resolve() / "stores" / f"monitor-labels-{self.replica}.db"
