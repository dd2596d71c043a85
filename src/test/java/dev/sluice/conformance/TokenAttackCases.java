package dev.sluice.conformance;

import static dev.sluice.conformance.TokenIT.ISSUER;
import static dev.sluice.conformance.TokenIT.port;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.access.token.BadTokens;
import dev.sluice.access.token.TestIssuer;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** Attacks with tokens, and issuers that lie, hang or say too much. */
abstract class TokenAttackCases {
    static final String FILE = "tokens.txt";

    private static final CountDownLatch OVER = new CountDownLatch(1);
    /** By the names of their tokens. */
    private static final Map<String, TestIssuer> BAD_ISSUERS = Map.of(
            "LIAR", answering(() -> "<html>".getBytes(UTF_8)),
            "SECRETS",
                    answering(() -> "{\"keys\":[{\"kty\":\"oct\",\"k\":\"%s\"}]}"
                            .formatted("A".repeat(43))
                            .getBytes(UTF_8)),
            "HUGE", answering(() -> new byte[10_000_000]),
            "REDIRECT", redirecting(),
            "DRIP", dripping(),
            "HANG",
                    answering(() -> {
                        OVER.await();
                        return new byte[0];
                    }));

    private static TestIssuer answering(TestIssuer.Answer answer) {
        var issuer = new TestIssuer();
        issuer.answer = answer;
        return issuer;
    }

    private static TestIssuer redirecting() {
        var issuer = new TestIssuer();
        issuer.location = ISSUER.url();
        issuer.status = 302;
        return issuer;
    }

    private static TestIssuer dripping() {
        var issuer = new TestIssuer();
        issuer.drips = true;
        return issuer;
    }

    /** Options of a gateway that trusts all of them. */
    static List<String> options() {
        var options = new ArrayList<String>();
        BAD_ISSUERS.forEach((name, issuer) -> trust(options, name.toLowerCase(Locale.ROOT), url(name), issuer));
        return options;
    }

    private static void trust(List<String> options, String name, String claim, TestIssuer issuer) {
        var prefix = "-Dsluice.access.token.issuers." + name + ".";
        options.addAll(List.of(
                prefix + "issuer=" + claim,
                prefix + "audience=" + TestIssuer.AUDIENCE,
                prefix + "jwks-url=" + issuer.url(),
                prefix + "client-id-pattern={username}-*"));
    }

    private static String url(String name) {
        return "https://" + name.toLowerCase(Locale.ROOT) + ".example";
    }

    @AfterAll
    static void stop() {
        OVER.countDown();
        BAD_ISSUERS.values().forEach(TestIssuer::close);
    }

    private static Map<String, String> tokens() {
        var tokens = new HashMap<>(BadTokens.of(ISSUER));
        tokens.put("GOOD", ISSUER.token("ann"));
        tokens.put("BOB", ISSUER.token("bob"));
        BAD_ISSUERS.forEach((name, issuer) -> tokens.put(
                name, issuer.sign(TestIssuer.claims("ann").issuer(url(name)).build())));
        return tokens;
    }

    static Packet.Connect honest() {
        return new Packet.Connect(
                ProtocolVersion.V5,
                true,
                60,
                Device.id("honest"),
                null,
                "x",
                ISSUER.token("honest").getBytes(UTF_8),
                Properties.NONE);
    }

    @TestFactory
    Stream<DynamicTest> anAttackHarmsNobody() {
        var tokens = tokens();
        var before = ISSUER.asked.get();
        return new AttackTable(null, port, TokenAttackCases::honest)
                .tests(Attack.of(FILE).stream().map(it -> it.with(tokens)).toList())
                .onClose(() -> assertThat(ISSUER.asked.get() - before)
                        .as("requests for keys, of few tokens that name unknown ones")
                        .isLessThan(50));
    }
}
