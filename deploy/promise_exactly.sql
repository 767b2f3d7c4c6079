-- What is promised to a server is exactly a size
BEGIN;

-- The guest has this size, so it is promised whether it fits the limits or not. What was promised of nothing stays so.
CREATE FUNCTION promise_exactly(server uuid, memory bigint, cores bigint, gib bigint) RETURNS void LANGUAGE sql AS $$
    WITH was AS (
        SELECT server_id, cluster, node, memory_mib FROM memory_promise WHERE server_id = server FOR UPDATE
    ), kept AS (
        UPDATE memory_promise m SET memory_mib = memory FROM was WHERE m.server_id = was.server_id
    )
    UPDATE node_promise n
       SET promised_mib = n.promised_mib + memory - was.memory_mib,
           limit_mib = greatest(n.limit_mib, n.promised_mib + memory - was.memory_mib)
      FROM was WHERE n.cluster = was.cluster AND n.node = was.node;

    WITH was AS (
        SELECT resource, amount, CASE WHEN resource LIKE 'cpu/%' THEN cores ELSE gib END AS wanted
          FROM capacity_promise WHERE server_id = server FOR UPDATE
    ), kept AS (
        UPDATE capacity_promise p SET amount = was.wanted
          FROM was WHERE p.server_id = server AND p.resource = was.resource
    )
    UPDATE capacity c
       SET promised = c.promised + was.wanted - was.amount,
           most = greatest(c.most, c.promised + was.wanted - was.amount)
      FROM was WHERE c.resource = was.resource;
$$;

COMMIT;
