-- What waits for members of Shared Subscriptions that are away goes to those that come: it is found without reading whole queues.
CREATE INDEX queued_shared ON queued (session_id, seq) WHERE share IS NOT NULL;
