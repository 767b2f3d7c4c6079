-- Claim: memory promised on a node, never more than its limit
BEGIN;

CREATE TABLE node_promise (
    cluster text NOT NULL,
    node text NOT NULL,
    limit_mib bigint NOT NULL,
    promised_mib bigint NOT NULL DEFAULT 0 CHECK (promised_mib >= 0),
    PRIMARY KEY (cluster, node),
    CONSTRAINT node_promise_fits CHECK (promised_mib <= limit_mib)
);

COMMIT;
