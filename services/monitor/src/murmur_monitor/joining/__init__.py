"""Joins labels to the predictions they are about, however late they come, and measures what that tells.

Follows two topics beside the windows: every prediction is kept by its name until no label can count any more, every
label until its prediction has come. All of it, and the place in the topics up to which it was read, is in one SQLite
file and moves in one transaction: a kill repeats records, and those that the file knows are skipped.
"""

from murmur_events import topic_of
from murmur_events.serving import FeedbackRecorded, PredictionLogged

TOPICS = (topic_of(PredictionLogged).name, topic_of(FeedbackRecorded).name)
