"""What audit's REST door speaks to."""

from dataclasses import dataclass

from murmur_audit.inspection import Inspector
from murmur_audit.intake import Intake
from murmur_audit.keeper import Keeper
from murmur_kernel.service import Service
from murmur_kernel.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Audit:
    service: Service[UnitOfWork]
    keeper: Keeper
    intake: Intake
    inspector: Inspector
