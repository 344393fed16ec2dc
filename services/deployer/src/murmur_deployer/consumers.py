"""Everything that the deployer listens to."""

from murmur_deployer import handlers
from murmur_events.models import ModelPromoted
from murmur_kernel.consuming import react

SUBSCRIPTIONS = (react(ModelPromoted, handlers.follow_promotion),)
