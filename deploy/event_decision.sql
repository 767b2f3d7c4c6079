-- Index: what staff decided, newest first
BEGIN;

CREATE INDEX event_decision ON event (tx DESC, pos DESC)
 WHERE type IN ('installation.effects_paused', 'installation.effects_resumed', 'installation.removals_let_through',
                'installation.suspensions_let_through', 'installation.restored', 'cluster.maintenance_begun',
                'cluster.maintenance_ended', 'cluster.mode_changed', 'cluster.removal_requested', 'cluster.stray_ended',
                'server.drift_ended');

COMMIT;
