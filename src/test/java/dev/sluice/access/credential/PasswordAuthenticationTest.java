package dev.sluice.access.credential;

import static dev.sluice.access.credential.CredentialRig.HOME;
import static dev.sluice.access.credential.CredentialRig.attempt;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.access.Attempt;
import dev.sluice.access.Identity;
import dev.sluice.access.Method;
import dev.sluice.access.Reason;
import dev.sluice.access.Verdict;
import dev.sluice.access.credential.CredentialsChanged.Consequence;
import dev.sluice.access.secret.Scheme;
import dev.sluice.store.EmbeddedServer;
import dev.sluice.store.credential.CredentialImport;
import dev.sluice.store.credential.StoredCredential.Settings;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Passwords against credentials in a real PostgreSQL. */
@Tag("postgres")
class PasswordAuthenticationTest {
    private static final String STRANGE = "203.0.113.9";
    private static final int ROUNDS = 400;
    private static final int WARM_UP = 200;

    private CredentialRig rig = new CredentialRig(Map.of());

    @AfterEach
    void stop() {
        rig.close();
    }

    private Verdict judge(String address, String username, String password) {
        return rig.passwords.judge(attempt(address, username, password));
    }

    private static Reason reason(Verdict verdict) {
        return ((Verdict.Denied) verdict).reason();
    }

    private static Identity identity(Verdict verdict) {
        return ((Verdict.Granted) verdict).identity();
    }

    @ParameterizedTest
    @EnumSource(Scheme.class)
    void theRightSecretAndNoOther(Scheme scheme) {
        var password = scheme == Scheme.TOKEN ? rig.recipe.token() : "pass word";
        var until = Instant.parse("2099-01-01T00:00:00Z");
        var limits = Map.of("messages-in", 5L);
        rig.put("ann", scheme, password, new Settings(null, Set.of("a", "b"), limits, null, until, false));
        assertThat(identity(judge(HOME, "ann", password)))
                .isEqualTo(new Identity("ann", Set.of("a", "b"), Map.of(), Method.PASSWORD, until, List.of(), limits));
        assertThat(reason(judge(HOME, "ann", password + "x"))).isEqualTo(Reason.BAD_CREDENTIALS);
        assertThat(reason(judge(HOME, "ann", ""))).isEqualTo(Reason.BAD_CREDENTIALS);
        assertThat(reason(judge(HOME, "ann", rig.recipe.token()))).isEqualTo(Reason.BAD_CREDENTIALS);
        assertThat(reason(judge(HOME, "Ann", password))).isEqualTo(Reason.BAD_CREDENTIALS);
        assertThat(rig.outcomes("wrong")).isEqualTo(3);
        assertThat(rig.outcomes("unknown")).isEqualTo(1);
    }

    @ParameterizedTest
    @CsvSource({
        "UPDATE credential SET disabled = true, disabled",
        "UPDATE credential SET revoked_at = now(), revoked",
        "UPDATE credential SET valid_from = now() + interval '1 hour', not-yet-valid",
        "UPDATE credential SET valid_until = now() - interval '1 second', expired",
        "DELETE FROM credential, unknown"
    })
    void whatIsWithdrawnIsRefusedLikeAWrongPasswordAlsoWhereItWasKnown(String change, String outcome) {
        rig.put("ann", Scheme.ARGON2ID, "secret");
        var identity = identity(judge(HOME, "ann", "secret"));
        EmbeddedServer.shared().execute(change);
        rig.watch.look();
        assertThat(reason(judge(HOME, "ann", "secret"))).isEqualTo(Reason.BAD_CREDENTIALS);
        assertThat(rig.outcomes(outcome)).isEqualTo(1);
        assertThat(rig.told.getLast().of(identity)).isEqualTo(Consequence.WITHDRAWN);
    }

    @Test
    void otherGroupsMakeAnIdentityOutdatedAndAnotherSecretDoesNot() {
        rig.put("ann", Scheme.BCRYPT, "secret");
        rig.watch.look();
        var identity = identity(judge(HOME, "ann", "secret"));
        rig.put("ann", Scheme.BCRYPT, "new secret");
        rig.watch.look();
        assertThat(rig.told.getLast().of(identity)).isEqualTo(Consequence.NONE);
        assertThat(reason(judge(HOME, "ann", "secret"))).isEqualTo(Reason.BAD_CREDENTIALS);
        rig.put("ann", Scheme.BCRYPT, "new secret", new Settings(null, Set.of("other"), Map.of(), null, null, false));
        rig.watch.look();
        assertThat(rig.told.getLast().of(identity)).isEqualTo(Consequence.OUTDATED);
        assertThat(rig.told.getLast().of(Identity.ANONYMOUS)).isEqualTo(Consequence.NONE);
    }

    @Test
    void otherLimitsMakeAnIdentityOutdated() {
        rig.put("ann", Scheme.BCRYPT, "secret");
        rig.watch.look();
        var identity = identity(judge(HOME, "ann", "secret"));
        rig.put(
                "ann",
                Scheme.BCRYPT,
                "secret",
                new Settings(null, Set.of(), Map.of("subscriptions", 1L), null, null, false));
        rig.watch.look();
        assertThat(rig.told.getLast().of(identity)).isEqualTo(Consequence.OUTDATED);
    }

    @Test
    void aClientIdHasToMatchThePattern() {
        rig.put("ann", Scheme.BCRYPT, "secret", new Settings("{username}-*", Set.of(), Map.of(), null, null, false));
        assertThat(reason(judge(HOME, "ann", "secret"))).isEqualTo(Reason.NOT_AUTHORIZED);
        var right = new Attempt(CredentialRig.peer(HOME), "ann-1", "ann", "secret".getBytes(UTF_8));
        assertThat(rig.passwords.judge(right)).isInstanceOf(Verdict.Granted.class);
    }

    @Test
    void aPasswordThatWasRightIsNotHashedAgain() {
        rig.put("ann", Scheme.ARGON2ID, "secret");
        for (int i = 0; i < 10; i++) judge(HOME, "ann", "secret");
        assertThat(rig.hashes()).isEqualTo(1);
        rig.put("ann", Scheme.ARGON2ID, "secret");
        rig.watch.look();
        judge(HOME, "ann", "secret");
        assertThat(rig.hashes()).isEqualTo(2);
    }

    @Test
    void aClientThatDoesNotWaitAndComesAgainCostsOneHash() throws InterruptedException {
        rig.close();
        rig = new CredentialRig(Map.of("argon2-iterations", "64"));
        rig.put("ann", Scheme.ARGON2ID, "secret");
        var impatient = Thread.ofVirtual().start(() -> judge(HOME, "ann", "secret"));
        await("the hash has begun").until(PasswordAuthenticationTest::isHashing);
        impatient.interrupt();
        impatient.join();
        await("the hash is done").until(() -> rig.hashes() == 1);
        assertThat(judge(HOME, "ann", "secret")).isInstanceOf(Verdict.Granted.class);
        assertThat(rig.hashes()).isEqualTo(1);
    }

    private static boolean isHashing() {
        return Thread.getAllStackTraces().entrySet().stream()
                .filter(each -> each.getKey().getName().startsWith("sluice-hash"))
                .flatMap(each -> Stream.of(each.getValue()))
                .anyMatch(frame -> frame.getClassName().endsWith("Argon2id"));
    }

    /** Neither from the attacker's own address, once it was right there, nor from any other. */
    @Test
    void whoIsRightPassesAtOnceWhileItsNameIsAttacked() {
        rig.close();
        rig = new CredentialRig(Map.of(
                "delay", "1h",
                "delay-maximum", "1h",
                "delayed-per-address", "0"));
        rig.put("ann", Scheme.ARGON2ID, "secret");
        judge(STRANGE, "ann", "secret");
        for (int i = 0; i < 5; i++)
            assertThat(reason(judge(STRANGE, "ann", "guess"))).isEqualTo(Reason.BAD_CREDENTIALS);
        for (int i = 0; i < 30; i++) judge("203.0.113." + (20 + i), "ann", "guess " + i);
        assertThat(reason(judge(STRANGE, "bob", "guess"))).isEqualTo(Reason.BAD_CREDENTIALS);
        assertThat(reason(judge(STRANGE, "bob", "guess"))).isEqualTo(Reason.THROTTLED);
        assertThat(judge(STRANGE, "ann", "secret")).as("known").isInstanceOf(Verdict.Granted.class);
        rig.verified.forget(Set.of("ann"));
        assertThat(judge(HOME, "ann", "secret")).as("not known").isInstanceOf(Verdict.Granted.class);
    }

    @Test
    void aHashThatNobodyCanReadLetsNobodyIn() {
        EmbeddedServer.shared()
                .execute("INSERT INTO credential (username, hash) VALUES ('ann',"
                        + " '$argon2id$v=19$m=9999999,t=1,p=1$x$y')");
        assertThat(reason(judge(HOME, "ann", "secret"))).isEqualTo(Reason.BAD_CREDENTIALS);
    }

    /**
     * Known and unknown users in a random order, each from an address of its own. Equal means: the lower quartiles, which what
     * else the machine does disturbs least, differ by less than a tenth, and Mann-Whitney's U, as the probability that a known user takes longer
     * than an unknown one, is near a half.
     */
    @Test
    void theTimeSaysNothingOfWhetherAUserExists() {
        var hash = rig.recipe.hash(Scheme.ARGON2ID, "secret".getBytes(UTF_8)).text();
        rig.imports.write(
                "ann",
                IntStream.range(0, ROUNDS)
                        .mapToObj(n -> new CredentialImport.Row("known-" + n, hash, Settings.NONE))
                        .toList(),
                true);
        var known = new ArrayList<Long>();
        var unknown = new ArrayList<Long>();
        var random = new Random(1);
        for (int i = -WARM_UP; i < ROUNDS; i++) {
            var isKnownFirst = random.nextBoolean();
            for (var isKnown : new boolean[] {isKnownFirst, !isKnownFirst}) {
                var address = "10.%d.%d.%d".formatted(isKnown ? 1 : 2, (i + WARM_UP) / 250, (i + WARM_UP) % 250);
                var time = time(address, (isKnown ? "known-" : "other-") + Math.max(0, i));
                if (i >= 0) (isKnown ? known : unknown).add(time);
            }
        }
        var longer = 0.0;
        for (var one : known) for (var other : unknown) longer += one > other ? 1 : one.equals(other) ? 0.5 : 0;
        var probability = longer / known.size() / unknown.size();
        System.out.printf(
                "known user %d us, unknown user %d us (lower quartiles of %d); a known one takes longer with probability"
                        + " %.3f%n",
                quartile(known) / 1000, quartile(unknown) / 1000, ROUNDS, probability);
        assertThat(probability).isBetween(0.4, 0.6);
        assertThat((double) quartile(known) / quartile(unknown)).isBetween(0.9, 1.1);
    }

    private long time(String address, String username) {
        var attempt = attempt(address, username, "wrong");
        var begun = System.nanoTime();
        assertThat(reason(rig.passwords.judge(attempt))).isEqualTo(Reason.BAD_CREDENTIALS);
        return System.nanoTime() - begun;
    }

    private static long quartile(ArrayList<Long> times) {
        var sorted = times.stream().mapToLong(Long::longValue).sorted().toArray();
        return sorted[sorted.length / 4];
    }

    /** They are admitted before any of them has failed, and are hashed one after the other. */
    @Test
    void attemptsThatComeAtOnceAreHeldBackOnceSomeHaveFailed() {
        rig.close();
        rig = new CredentialRig(
                Map.of("threads", "1", "delayed-per-address", "1", "delay", "1h", "delay-maximum", "1h"));
        try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
            for (int i = 0; i < 60; i++) {
                var name = "nobody-" + i;
                clients.execute(() -> judge(STRANGE, name, "wrong"));
            }
            await("all but the one that is delayed")
                    .until(() -> rig.outcomes("unknown") + rig.outcomes("throttled") >= 59);
            clients.shutdownNow();
        }
        assertThat(rig.outcomes("unknown")).isBetween(5.0, 20.0);
        assertThat(rig.outcomes("throttled")).isGreaterThan(30);
    }

    @Test
    void whoHasWaitedIsJudged() {
        rig.close();
        rig = new CredentialRig(Map.of("free-failures", "1", "delay", "10ms", "delay-maximum", "50ms"));
        for (int i = 0; i < 6; i++)
            assertThat(reason(judge(STRANGE, "ann", "wrong"))).isEqualTo(Reason.BAD_CREDENTIALS);
        rig.put("ann", Scheme.BCRYPT, "secret");
        assertThat(judge(STRANGE, "ann", "secret")).isInstanceOf(Verdict.Granted.class);
    }
}
