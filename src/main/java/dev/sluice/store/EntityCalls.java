package dev.sluice.store;

import io.quarkus.narayana.jta.QuarkusTransaction;
import io.quarkus.narayana.jta.QuarkusTransactionException;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.persistence.EntityManager;
import jakarta.persistence.EntityManagerFactory;
import jakarta.persistence.PersistenceException;
import java.util.concurrent.Callable;
import org.hibernate.exception.ConstraintViolationException;
import org.hibernate.exception.DataException;

/** Runs the transactions of operators' requests on Hibernate's entities, on the calling virtual thread; blocks. */
@ApplicationScoped
public class EntityCalls {
    /** Seconds; the driver's own bound is the same for each statement. */
    private static final int TIMEOUT = 10;

    /** Nobody waits for what it locks but other operators; and the first one of a process may rest while classes are loaded. */
    private static final String UNHURRIED =
            "SELECT set_config('idle_in_transaction_session_timeout', '10s', true), set_config('lock_timeout', '10s', true)";

    private final StoreHealth health;
    private final EntityManager entities;
    private final EntityManagerFactory factory;

    EntityCalls(StoreHealth health, EntityManager entities, EntityManagerFactory factory) {
        this.health = health;
        this.entities = entities;
        this.factory = factory;
    }

    /**
     * Runs one transaction.
     *
     * @param what is done, for the message of an exception
     * @throws StoreUnavailable when PostgreSQL cannot be asked now, or no more
     * @throws IllegalArgumentException when PostgreSQL refuses the data
     * @throws RuntimeException what the work itself throws
     */
    public <T> T call(String what, Callable<T> work) {
        return call(what, TIMEOUT, work);
    }

    /** The same for a transaction that may take so many seconds. */
    public <T> T call(String what, int seconds, Callable<T> work) {
        if (!health.available()) throw new StoreUnavailable("PostgreSQL does not answer", null);
        var done = new boolean[1];
        try {
            return QuarkusTransaction.requiringNew().timeout(seconds).call(() -> {
                entities.createNativeQuery(UNHURRIED).getSingleResult();
                var result = work.call();
                done[0] = true;
                return result;
            });
        } catch (ConstraintViolationException | DataException refused) {
            throw new IllegalArgumentException(
                    "PostgreSQL refuses " + what + ": "
                            + refused.getSQLException().getMessage(),
                    refused);
        } catch (PersistenceException | QuarkusTransactionException failed) {
            throw new StoreUnavailable(what + ": " + failed.getMessage(), failed, done[0]);
        } catch (IllegalStateException failed) {
            // A start that fails closes Hibernate beneath the threads that it has started, and tells them nothing.
            if (factory.isOpen()) throw failed;
            throw new StoreUnavailable(what + ": the gateway ends", failed, done[0]);
        }
    }
}
