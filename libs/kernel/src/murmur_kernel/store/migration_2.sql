-- Marks that may be forgotten, attempts that were given back, and dead letters that are looked for, paged and edited.
ALTER TABLE inbox ADD COLUMN forget_at REAL;
CREATE INDEX inbox_forget_at ON inbox (forget_at) WHERE forget_at IS NOT NULL;
ALTER TABLE jobs ADD COLUMN returned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead_letters ADD COLUMN topic TEXT NOT NULL DEFAULT '';
ALTER TABLE dead_letters ADD COLUMN partition INTEGER NOT NULL DEFAULT 0;
ALTER TABLE dead_letters ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
ALTER TABLE parked ADD COLUMN edits TEXT NOT NULL DEFAULT '[]';
ALTER TABLE dead_letters ADD COLUMN edits TEXT NOT NULL DEFAULT '[]';
UPDATE dead_letters SET topic = json_extract(record, '$.topic'), partition = json_extract(record, '$.partition'),
                        place = json_extract(record, '$.offset');
CREATE INDEX dead_letters_at ON dead_letters (at, id);
CREATE INDEX dead_letters_place ON dead_letters (topic, partition, place, id);
