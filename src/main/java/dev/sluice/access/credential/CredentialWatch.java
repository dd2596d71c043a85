package dev.sluice.access.credential;

import dev.sluice.clock.ThrottledLog;
import dev.sluice.config.StartOrder;
import dev.sluice.store.StoreUnavailable;
import dev.sluice.store.credential.CredentialReader;
import dev.sluice.store.credential.StoredCredential;
import dev.sluice.store.route.RouteListener;
import io.quarkus.runtime.StartupEvent;
import jakarta.annotation.Priority;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Event;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Owns what this gateway has read of the account of changed credentials: forgets their verified passwords, and tells whoever holds
 * connections. The listener's thread alone uses it.
 */
@ApplicationScoped
public class CredentialWatch {
    private final ThrottledLog failures = new ThrottledLog(Logger.getLogger(CredentialWatch.class));

    private final CredentialReader reader;
    private final VerifiedPasswords verified;
    private final RouteListener listener;
    private final Consumer<CredentialsChanged> changed;
    /** Names that have changed, and of whose connections nobody has been told. */
    private final Set<String> untold = new LinkedHashSet<>();

    private long last;

    @Inject
    CredentialWatch(
            CredentialReader reader,
            VerifiedPasswords verified,
            RouteListener listener,
            Event<CredentialsChanged> changed) {
        this(reader, verified, listener, changed::fire);
    }

    CredentialWatch(
            CredentialReader reader,
            VerifiedPasswords verified,
            RouteListener listener,
            Consumer<CredentialsChanged> changed) {
        this.reader = reader;
        this.verified = verified;
        this.listener = listener;
        this.changed = changed;
    }

    void start(@Observes @Priority(StartOrder.CREDENTIALS) StartupEvent event) {
        last = reader.last();
        listener.credentials(this::look);
    }

    /**
     * Follows one page of the account. What it has done is done, whether the next look succeeds or not; comes again soon if it fails.
     *
     * @return whether there is more to follow at once
     */
    boolean look() {
        try {
            tell(); // whom an earlier look could not
            var changes = reader.since(last);
            if (!changes.usernames().isEmpty()) verified.forget(changes.usernames());
            untold.addAll(changes.usernames());
            last = changes.last();
            tell();
            return changes.more();
        } catch (StoreUnavailable notNow) {
            failures.warn(
                    "changed credentials cannot be read, which is tried again: until then the connections of those"
                            + " that were withdrawn stay: " + notNow.getMessage());
            return false;
        }
    }

    private void tell() {
        if (untold.isEmpty()) return;
        var found = new HashMap<String, StoredCredential>();
        for (var credential : reader.find(untold)) found.put(credential.username(), credential);
        changed.accept(new CredentialsChanged(Set.copyOf(untold), found));
        untold.clear();
    }
}
