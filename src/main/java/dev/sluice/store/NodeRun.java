package dev.sluice.store;

import jakarta.enterprise.context.ApplicationScoped;

/**
 * Owns the knowledge which run of this gateway writes to PostgreSQL, as its row in {@code node} has it. What is written in the name of a run
 * carries its number, and is not committed once others have declared that run dead. Any thread may use it.
 */
@ApplicationScoped
public class NodeRun {
    /**
     * Fails unless a run of a gateway, or the one that has given an epoch, still has its row, and nobody has declared it dead; its parameters
     * are arrays of one, the name and the number. It locks nothing, as the row is renewed all the time, and is the last statement of a
     * transaction: one that stops between this and its COMMIT is ended by PostgreSQL (idle_in_transaction_session_timeout) before others take
     * its gateway for dead.
     */
    public static final String ALIVE = """
            SELECT require_all(count(*), 1) FROM node
             WHERE id = (?::text[])[1] AND run <= (?::bigint[])[1] AND last_epoch IS NULL""";

    private volatile long number;

    /** 0 of a gateway that has no row. */
    public long number() {
        return number;
    }

    /** To be called by whoever registers the gateway. */
    public void begin(long number) {
        this.number = number;
    }
}
