/**
 * The journal: commits the writes of many clients together. It is no log, and nothing is replayed from it: a write is in the tables once its
 * lane has committed it.
 *
 * <p><b>Owns</b> the lanes ({@link dev.sluice.store.journal.JournalLane}), each a queue of writes with a thread and a connection of its own; a
 * client's writes always go to the same lane, in their order. A write of a session carries the session's epoch, and does nothing if a later
 * connection has raised it (the fence).
 *
 * <p><b>Threads.</b> Any thread submits, and never waits; completions run on the lane's thread.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.store.journal.JournalWrite} for what can be written, then
 * {@link dev.sluice.store.journal.JournalLane} for how it is committed.
 */
package dev.sluice.store.journal;
