package dev.sluice.access.token;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.nimbusds.jose.jwk.ECKey;
import dev.sluice.access.Reason;
import dev.sluice.support.Stopwatch;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The keys of an issuer that rotates them, lies, is slow, or is away. */
class KeySetTest {
    private static final ECKey ANOTHER = TestIssuer.key("another");

    private final TestIssuer issuer = new TestIssuer();
    private TrustedIssuers trusted;
    /** By how many nanoseconds the clock of the test is ahead. */
    private final AtomicLong passed = new AtomicLong();

    private void trust(String... more) {
        var config = TestTokenConfig.of(issuer, more);
        trusted = new TrustedIssuers(
                "sluice.access.token.issuers", config.issuers(), config, () -> System.nanoTime() + passed.get());
        trusted.start();
    }

    @AfterEach
    void stop() {
        trusted.stop();
        issuer.close();
    }

    private VerifiedToken verify(String token) throws TokenRefused {
        return trusted.verify(token.getBytes(StandardCharsets.UTF_8));
    }

    private void assertRefused(String token, Reason reason) {
        assertThatThrownBy(() -> verify(token)).isInstanceOfSatisfying(TokenRefused.class, it -> assertThat(it.reason())
                .isEqualTo(reason));
    }

    private String ofUnknownKey(String keyId) {
        return TestIssuer.sign(ANOTHER, keyId, TestIssuer.claims("c").build());
    }

    @Test
    void aNewKeyServesAtOnceAndAWithdrawnOneNoMore() throws TokenRefused {
        trust();
        var old = issuer.token("c");
        verify(old);
        issuer.key = TestIssuer.key("second");
        verify(issuer.token("c"));
        assertRefused(old, Reason.UNAVAILABLE); // it is too early to be sure that there is no such key
        assertThat(issuer.asked.get()).isBetween(2, 3);
    }

    /** Of a key that is gone for longer than the interval, it is certain. */
    @Test
    void aWithdrawnKeyIsNoKey() throws TokenRefused {
        trust("unknown-key-interval", "0s");
        var old = issuer.token("c");
        verify(old);
        issuer.key = TestIssuer.key("second");
        verify(issuer.token("c"));
        assertRefused(old, Reason.BAD_CREDENTIALS);
    }

    @Test
    void unknownKeysMakeFewRequests() throws TokenRefused {
        trust();
        verify(issuer.token("c")); // the first read is over: it may begin later than somebody asks
        assertRefused(ofUnknownKey("x"), Reason.BAD_CREDENTIALS);
        for (int i = 0; i < 200; i++) assertRefused(ofUnknownKey("x" + i), Reason.UNAVAILABLE);
        assertThat(issuer.asked.get()).isLessThanOrEqualTo(2);
    }

    @Test
    void keysAreReadBeforeAnybodyNeedsThem() {
        trust("keys-refresh", "50ms");
        await().until(() -> issuer.asked.get() > 3);
        assertThat(trusted.age("test")).isLessThan(30);
        assertThat(trusted.age("unknown")).isNaN();
    }

    @Test
    void whileItIsAwayKnownKeysServeForAsLongAsIsConfigured() throws TokenRefused {
        trust("keys-refresh", "50ms", "keys-outage", "1h");
        verify(issuer.token("c"));
        issuer.status = 503;
        var asked = issuer.asked.get();
        await().until(() -> issuer.asked.get() > asked + 2);
        verify(issuer.token("c"));
        passed.addAndGet(Duration.ofMinutes(59).toNanos());
        verify(issuer.token("c"));
        passed.addAndGet(Duration.ofMinutes(2).toNanos());
        assertRefused(issuer.token("c"), Reason.UNAVAILABLE);
        issuer.status = 200;
        await().ignoreException(TokenRefused.class).untilAsserted(() -> verify(issuer.token("c")));
    }

    @Test
    void anIssuerThatWasNeverReachedIsUnavailable() {
        issuer.status = 500;
        trust();
        assertRefused(issuer.token("c"), Reason.UNAVAILABLE);
    }

    @Test
    void lies() throws TokenRefused {
        trust("keys-refresh", "20ms");
        verify(issuer.token("c"));
        for (var lie : new String[] {
            "",
            "{}",
            "{\"keys\":[]}",
            "{\"keys\":5}",
            "<html>",
            "null",
            "[".repeat(100_000),
            "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}"
        }) {
            issuer.answer = () -> lie.getBytes(StandardCharsets.UTF_8);
            var asked = issuer.asked.get();
            await().until(() -> issuer.asked.get() > asked + 1);
            verify(issuer.token("c"));
        }
        issuer.answer = () -> new byte[10_000_000];
        var asked = issuer.asked.get();
        await().until(() -> issuer.asked.get() > asked + 1);
        verify(issuer.token("c"));
    }

    @Test
    void whoNeverAnswersIsNotWaitedFor() {
        var hung = new CountDownLatch(1);
        issuer.answer = () -> {
            hung.await();
            return new byte[0];
        };
        trust("fetch-timeout", "100ms");
        try {
            assertRefused(issuer.token("c"), Reason.UNAVAILABLE);
        } finally {
            hung.countDown();
        }
    }

    /** However often a byte comes: the whole has to be there in time. */
    @Test
    void whoDripsIsNotWaitedFor() {
        issuer.drips = true;
        trust("fetch-timeout", "100ms");
        var watch = Stopwatch.start();
        assertRefused(issuer.token("c"), Reason.UNAVAILABLE);
        watch.assertLessThan(Duration.ofSeconds(10));
    }

    @Test
    void aRedirectLeadsNowhere() {
        issuer.status = 302;
        issuer.location = issuer.url() + "?again";
        trust();
        assertRefused(issuer.token("c"), Reason.UNAVAILABLE);
    }

    @Test
    void whoHangsHoldsUpNobodyWhoseKeyIsKnown() throws Exception {
        trust("fetch-timeout", "1m", "keys-refresh", "20ms");
        verify(issuer.token("c"));
        var hung = new CountDownLatch(1);
        issuer.answer = () -> {
            hung.await();
            return new byte[0];
        };
        var asked = issuer.asked.get();
        await().until(() -> issuer.asked.get() > asked);
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            var unknown = new ArrayList<Future<?>>();
            for (int i = 0; i < 50; i++) {
                var token = ofUnknownKey("x" + i);
                unknown.add(threads.submit(() -> assertRefused(token, Reason.UNAVAILABLE)));
            }
            for (int i = 0; i < 50; i++) verify(issuer.token("c"));
            assertThat(unknown).as("those that wait still").noneMatch(Future::isDone);
            hung.countDown();
            for (var each : unknown) each.get();
        } finally {
            hung.countDown();
        }
    }
}
