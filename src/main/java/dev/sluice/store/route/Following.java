package dev.sluice.store.route;

import dev.sluice.store.StoreUnavailable;
import org.jboss.logging.Logger;

/**
 * Owns what is said while somebody follows a set in PostgreSQL: of an outage nothing above DEBUG, as others say it, and of each failure one
 * error until it is over. Confined to the listener's thread.
 */
public final class Following {
    private final Logger log;
    private final String what;
    private String trouble = "";

    /** @param what the set, such as {@code routes} */
    public Following(Logger log, String what) {
        this.log = log;
        this.what = what;
    }

    /** Looks once; a failure ends here, as the listener comes back. */
    public void look(Runnable task) {
        try {
            task.run();
            trouble = "";
        } catch (StoreUnavailable notNow) {
            log.debugf("reading the %s, to be tried again: %s", what, notNow.getMessage());
        } catch (RuntimeException failure) {
            if (!failure.toString().equals(trouble))
                log.errorf(failure, "following the %s in PostgreSQL failed, and is tried again", what);
            trouble = failure.toString();
        }
    }
}
