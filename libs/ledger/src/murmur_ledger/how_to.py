"""The words that go along with an export: how it is verified, with this program or with one's own."""

HOW_TO = """\
# A ledger of events, exported

Verify it with nothing but these files, without any service running:

    murmur audit verify .
    murmur audit verify . --checkpoint kept-elsewhere.json --key public-key.pem

A checkpoint that was kept elsewhere finds what was cut off at the end; a key that was kept elsewhere finds an
exchange of the key in this folder. Without them a ledger whose end was cut off, or that was written anew and signed
with another key, looks whole.

| file | what it is |
|---|---|
| `ledger.json` | names the ledger; its SHA-256 is the previous hash of the first entry |
| `*.ledger` | the entries, one behind the other |
| `checkpoints.jsonl` | signed statements of how far the chain had come |
| `public-key.pem` | the Ed25519 key that they are signed with |
| `part.json` | in an export of a part only: from where to where, and the hashes at the edges |

## To verify it with a program of your own

An entry is a header of 84 bytes and a content; numbers are unsigned, the most significant byte first:

    0   4   "MLE1", or "MLS1" where the content was left out and its SHA-256 (32 bytes) stands in its place
    4   4   length of what follows the header
    8   8   position, from 1, without gaps
    16  4   index in the batch that was appended at once
    20  32  previous: the hash of the entry before; of the first, SHA-256(ledger.json)
    52  32  hash = SHA-256(bytes 8 to 51 of this header, then SHA-256(content))

    content = kind (1 byte), time of appending (8 bytes, microseconds since 1970 UTC), then
      kind 1, one record:    record
      kind 2, a digest:      text topic, 4 partition, 8 first offset, 8 last offset, 4 count, 8 bytes hashed,
                             32 SHA-256 of the records, one behind the other in the order of their offsets
      kind 3, where partitions stand: 4 count, each: text topic, 4 partition, 8 last offset
    record  = text topic, 4 partition, 8 offset, bytes key, 2 number of headers, each: text name, bytes value;
              bytes value
    text    = 2 length, UTF-8      bytes = 4 length, the bytes

A line of checkpoints.jsonl is JSON; `signature` is Ed25519 over these lines, each ended by a line feed:
"murmur-ledger-checkpoint/1", ledger (SHA-256 of ledger.json), position, head, at, key. It vouches for the entry at
`position` having the hash `head`, and so for everything before it.
"""
