"""What every service of Murmuration is made of.

A service is a table of subscriptions, a handful of handlers and a few job functions; the kernel carries each event
to its handler exactly once, keeps what the handler saves, and publishes what it says, whatever dies in between.

Errors
------
KernelError
├── Missing            a document that a handler needs is not there (yet): parks an event, answers 404 to a caller
├── Conflict           somebody else changed the same document meanwhile: the handler runs again
├── BadCursor          a page cursor that no page gave: answers 400
├── Duplicate          this unit of work was done before: nothing is to be done
├── LeaseLost          another worker has taken the job over: this one must stop
├── Refused            a rule of the domain says no: answers 409
├── Transient          the infrastructure failed: later, the same may succeed
│   ├── StoreUnavailable
│   │   └── StoreFull
│   └── NoSpace        a disk is full (StoreFull is one too): answers 507
├── Unacceptable       the store will never keep this
├── EventTooLarge      no broker would take it: answers 413, makes a dead letter of the event being handled
├── PublishingForbidden   a projection tried to publish
├── ReadOnly           a query tried to change something
└── ArtifactError
    ├── ArtifactMissing
    └── ArtifactCorrupt
"""
