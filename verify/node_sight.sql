-- Observation: the nodes of each cluster as they were last seen, with what of each may be promised and which images are there
BEGIN;

SELECT cluster, node, online, memory_mib, vcpus, disk_gib, disk_free_gib, disk_resource, images, seen_at
  FROM node_sight WHERE FALSE;

ROLLBACK;
