package dev.sluice.broker.routing;

/** What a transfer of retained messages asks of a connection besides; on its {@link #loop}, except where a method says otherwise. */
public interface RetainedRecipient extends Recipient {
    /** Whether it gets nothing any more; from any thread. */
    boolean isClosed();

    /** Whether its end by the gateway makes a Will due; from any thread. */
    boolean hasWill();

    /** Runs a task when the client can take a message, or is gone. */
    void whenReady(Runnable task);

    /** Ends the connection: what it is owed cannot be read, although PostgreSQL answers; from any thread. */
    void unreadable(Throwable bug);
}
