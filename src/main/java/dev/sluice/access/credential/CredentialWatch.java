package dev.sluice.access.credential;

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
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/**
 * Owns what this gateway has read of the account of changed credentials: forgets their verified passwords, and tells whoever holds
 * connections. The listener's thread alone uses it.
 */
@ApplicationScoped
public class CredentialWatch {
    private static final Logger LOG = Logger.getLogger(CredentialWatch.class);

    private static final int PAGE = 1000;

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

    /** Comes again soon if it fails. */
    void look() {
        try {
            var changes = reader.since(last);
            untold.addAll(changes.usernames());
            if (!untold.isEmpty()) verified.forget(untold);
            last = changes.last();
            var names = List.copyOf(untold);
            for (int i = 0; i < names.size(); i += PAGE) tell(names.subList(i, Math.min(names.size(), i + PAGE)));
        } catch (StoreUnavailable notNow) {
            LOG.debugf("reading changed credentials, to be tried again: %s", notNow.getMessage());
        }
    }

    private void tell(List<String> names) {
        var found = new HashMap<String, StoredCredential>();
        for (var credential : reader.find(names)) found.put(credential.username(), credential);
        changed.accept(new CredentialsChanged(Set.copyOf(names), found));
        names.forEach(untold::remove);
    }
}
