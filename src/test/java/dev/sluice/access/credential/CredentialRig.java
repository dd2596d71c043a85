package dev.sluice.access.credential;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.sluice.access.Attempt;
import dev.sluice.access.Peer;
import dev.sluice.access.secret.Recipe;
import dev.sluice.access.secret.Scheme;
import dev.sluice.config.PasswordConfig;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.StoreRig;
import dev.sluice.store.credential.CredentialImport;
import dev.sluice.store.credential.CredentialReader;
import dev.sluice.store.credential.StoredCredential.Settings;
import dev.sluice.support.PasswordKeys;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** Owns what checks credentials, on a real PostgreSQL, without Quarkus; confined to the test's thread. */
final class CredentialRig implements AutoCloseable {
    static final String HOME = "198.51.100.1";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    final StoreRig store;
    final PasswordConfig config;
    final Recipe recipe;
    final CredentialReader reader;
    final CredentialImport imports;
    final VerifiedPasswords verified;
    final HashingThreads threads;
    final PasswordAuthentication passwords;
    final ScramAuthentication scram;
    final List<CredentialsChanged> told = new CopyOnWriteArrayList<>();
    final CredentialWatch watch;

    CredentialRig(Map<String, String> keys) {
        this(keys, StoreRig.Settings.ONE_LANE);
    }

    CredentialRig(Map<String, String> keys, StoreRig.Settings settings) {
        store = new StoreRig(EmbeddedServer.shared(), settings);
        reader = new CredentialReader(store.requests);
        imports = new CredentialImport(store.requests);
        EmbeddedServer.shared().execute("DELETE FROM credential");
        config = PasswordKeys.config(keys);
        recipe = new Recipe(config);
        verified = new VerifiedPasswords(config, store.meters);
        threads = new HashingThreads(config, PATIENCE, store.meters);
        var logins = new Logins(new Throttle(config, store.meters), store.meters);
        passwords = new PasswordAuthentication(reader, verified, threads, logins, config);
        scram = new ScramAuthentication(reader, logins, config);
        watch = new CredentialWatch(reader, verified, null, told::add);
        followAll();
    }

    /** The account may be longer than a page: it tells of other tests, too. */
    private void followAll() {
        while (watch.look()) Thread.onSpinWait();
    }

    void put(String username, Scheme scheme, String password, Settings settings) {
        var hash = recipe.hash(scheme, password.getBytes(UTF_8)).text();
        imports.write("ann", List.of(new CredentialImport.Row(username, hash, settings)), true);
    }

    void put(String username, Scheme scheme, String password) {
        put(username, scheme, password, Settings.NONE);
    }

    static Attempt attempt(String address, String username, String password) {
        return new Attempt(peer(address), "device", username, password.getBytes(UTF_8));
    }

    static Peer peer(String address) {
        return new Peer(address, address + ":1", false, List.of(), null, "/mqtt");
    }

    double outcomes(String outcome) {
        var found = store.meters
                .find("sluice.access.logins")
                .tag("outcome", outcome)
                .counters();
        return found.stream().mapToDouble(it -> it.count()).sum();
    }

    long hashes() {
        return store.meters.get("sluice.access.hashing.time").timer().count();
    }

    @Override
    public void close() {
        threads.stop();
        store.close();
    }
}
