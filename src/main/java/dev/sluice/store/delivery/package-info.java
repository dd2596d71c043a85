/**
 * Messages that sessions are owed, and retained messages: read in pages, and swept when they expire or when nobody is owed them any more.
 * They are written by the journal.
 *
 * <p><b>Threads.</b> Reads block, on virtual threads; {@link dev.sluice.store.delivery.DeliverySweep} owns the thread of the sweep, which
 * holds no transaction open while others act on what it found.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.store.delivery.QueueReader} for a session that resumes,
 * {@link dev.sluice.store.delivery.RetainedReader} for a SUBSCRIBE.
 */
package dev.sluice.store.delivery;
