package dev.sluice.access.credential;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.sluice.support.PasswordKeys;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ThrottleTest {
    private static final String ATTACKER = "192.0.2.66";
    private static final String HOME = "198.51.100.1";

    private long now = 1;
    private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
    private final Throttle throttle = throttle(Map.of("remembered", "100"));

    private Throttle throttle(Map<String, String> keys) {
        return new Throttle(PasswordKeys.config(keys), meters, () -> now);
    }

    private void fail(String address, String name, int times) {
        for (int i = 0; i < times; i++) throttle.failed(address, name);
    }

    private Duration delay(String address, String name) {
        return Duration.ofNanos(throttle.delay(Throttle.network(address), name));
    }

    @Test
    void theDelayGrowsUpToItsMaximum() {
        fail(ATTACKER, "ann", 5);
        assertThat(delay(ATTACKER, "ann")).isZero();
        fail(ATTACKER, "ann", 1);
        assertThat(delay(ATTACKER, "ann")).isEqualTo(Duration.ofMillis(250));
        fail(ATTACKER, "bob", 2);
        assertThat(delay(ATTACKER, "carol")).isEqualTo(Duration.ofSeconds(1));
        fail(ATTACKER, "ann", 100);
        assertThat(delay(ATTACKER, "ann")).isEqualTo(Duration.ofSeconds(5));
        now += Duration.ofMinutes(10).toNanos();
        assertThat(delay(ATTACKER, "ann")).isZero();
    }

    @Test
    void anAddressThatHasNotFailedIsNeverDelayed() {
        for (int i = 0; i < 90; i++) fail("203.0.113." + i, "ann", 10);
        fail(ATTACKER, "ann", 1000);
        assertThat(delay(HOME, "ann")).isZero();
    }

    @Test
    void anAttackedNameLeavesAnAddressNoFreeFailure() {
        fail(ATTACKER, "ann", 30);
        fail(HOME, "ann", 1);
        assertThat(delay(HOME, "ann")).isEqualTo(Duration.ofMillis(250));
        assertThat(delay(HOME, "bob")).isZero();
    }

    /** Devices behind one address, of which one guesses. */
    @Test
    void whoeverWasRightFromAnAddressIsNotDelayedForOthersThere() {
        throttle.succeeded(HOME, "ann");
        fail(HOME, "bob", 50);
        assertThat(delay(HOME, "ann")).isZero();
        assertThat(delay(HOME, "carol")).isEqualTo(Duration.ofSeconds(5));
    }

    @Test
    void anIpv6NetworkCountsAsOneAddress() {
        fail("2001:db8:1:2::1", "ann", 6);
        assertThat(delay("2001:db8:1:2:ffff::9", "ann")).isPositive();
        assertThat(delay("2001:db8:1:3::1", "ann")).isZero();
        assertThat(Throttle.network("::ffff:192.0.2.66")).isEqualTo(ATTACKER);
    }

    @Test
    void theTablesAreBounded() {
        fail(ATTACKER, "x".repeat(60_000), 6);
        for (int i = 0; i < 1000; i++) fail("10.0.%d.%d".formatted(i / 250, i % 250), "name-" + i, 1);
        assertThat(delay(ATTACKER, "ann")).as("forgotten, as the oldest").isZero();
    }

    @Test
    void soManyWaitAndNoMore() throws Exception {
        var strict = throttle(Map.of(
                "delayed-per-address", "2",
                "delayed-maximum", "3",
                "delay", "1h",
                "delay-maximum", "1h"));
        for (var address : new String[] {ATTACKER, HOME}) for (int i = 0; i < 6; i++) strict.failed(address, "ann");
        var ended = new CompletableFuture<Void>();
        var waiting = Stream.of(ATTACKER, ATTACKER, HOME)
                .map(address -> Thread.ofVirtual().start(() -> {
                    try {
                        strict.admit(address, "ann");
                    } catch (InterruptedException _) {
                        ended.complete(null);
                    }
                }))
                .toList();
        await().until(() -> meters.get("sluice.access.delays").counter().count() == 3);
        assertThat(strict.admit(ATTACKER, "ann")).as("two of this address wait").isEqualTo(Throttle.REFUSED);
        assertThat(strict.admit(HOME, "ann")).as("three wait in all").isEqualTo(Throttle.REFUSED);
        waiting.getFirst().interrupt();
        ended.join();
        for (var thread : waiting) {
            thread.interrupt();
            thread.join();
        }
    }
}
