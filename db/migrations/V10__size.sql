-- What a sweep or a start has to look at is what has changed, not what is there.

-- Who is connected where. Opening and closing a session write an entry, also of one that never expires; a start after a kill reads only the
-- entries of its own node, of runs before it, in their order.
CREATE INDEX session_connected ON session (node, epoch) WHERE connected;

-- Messages that are due and may not be deleted, as their session is connected or has perhaps sent them, are looked at once.
ALTER TABLE queued ADD COLUMN passed_over boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN queued.passed_over IS 'The message was due, and the sweep left it to its session, which was connected or may have sent it.';
DROP INDEX queued_due;
CREATE INDEX queued_due ON queued (expires_at, session_id, seq) WHERE expires_at IS NOT NULL AND NOT passed_over;
CREATE INDEX queued_passed_over ON queued (session_id, seq) WHERE passed_over;

-- A worklist, so that the sweep finds those of them that it may delete now.
CREATE TABLE left_queue (
    session_id bigint PRIMARY KEY
);
COMMENT ON TABLE left_queue IS 'Sessions whose connection has ended with messages in the queue that the sweep had passed over.';
