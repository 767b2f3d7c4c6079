-- Claim: what is under maintenance; the node '' stands for the whole cluster
BEGIN;

CREATE TABLE maintenance (
    cluster text NOT NULL,
    node text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (cluster, node)
);

COMMIT;
