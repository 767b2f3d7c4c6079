-- View: plans, images and locations
BEGIN;

CREATE TABLE catalogue_view (
    item_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('plan', 'image', 'location')),
    version integer NOT NULL,
    position integer NOT NULL,
    listed boolean NOT NULL,
    state json NOT NULL
);
CREATE INDEX catalogue_view_kind ON catalogue_view (kind, position, item_id);

COMMIT;
