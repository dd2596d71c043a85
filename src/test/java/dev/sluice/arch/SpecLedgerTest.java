package dev.sluice.arch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.tngtech.archunit.core.domain.JavaMethod;
import dev.sluice.support.Spec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Disabled;
import org.junit.jupiter.api.Test;
import org.junit.platform.commons.annotation.Testable;

/** Every statement that binds a server has a test that names it, and the documentation counts them. */
class SpecLedgerTest {
    private static final Ledger V5 = ledger("MQTT 5.0", "mqtt-5.0");
    private static final Ledger V311 = ledger("MQTT 3.1.1", "mqtt-3.1.1");

    private static final List<JavaMethod> NAMING = Classes.ofTests().stream()
            .flatMap(type -> type.getMethods().stream())
            .filter(method -> method.isAnnotatedWith(Spec.class))
            .toList();

    private static Ledger ledger(String standard, String file) {
        return Ledger.of(
                standard,
                Repository.text("src/test/resources/spec/" + file + ".txt").lines());
    }

    /** Ids to the tests that name them. */
    private static Map<String, List<String>> tests(Function<Spec, String[]> ids) {
        var tests = new TreeMap<String, List<String>>();
        for (var method : NAMING)
            for (var id : ids.apply(method.getAnnotationOfType(Spec.class)))
                tests.computeIfAbsent(id, _ -> new ArrayList<>())
                        .add(method.getOwner().getSimpleName() + "." + method.getName());
        return tests;
    }

    @Test
    void everyStatementOfVersion5IsProvedOrExcused() {
        assertThat(V5.bound()).hasSize(252);
        assertThat(V5.breaches(tests(Spec::value))).isEmpty();
    }

    @Test
    void everyStatementOfVersion311IsProvedOrExcused() {
        assertThat(V311.bound()).hasSize(141);
        assertThat(V311.breaches(tests(Spec::v311))).isEmpty();
    }

    @Test
    void whatNamesStatementsIsATest() {
        assertThat(NAMING)
                .isNotEmpty()
                .allMatch(method -> method.isMetaAnnotatedWith(Testable.class), "is a test of JUnit")
                .noneMatch(method -> method.isAnnotatedWith(Disabled.class));
    }

    @Test
    void theDocumentationCountsThem() {
        assertThat(Repository.documentation().lines().filter(line -> line.startsWith("| MQTT ")))
                .containsExactly(row(V5), row(V311));
    }

    private static String row(Ledger ledger) {
        return "| %s | %d | %d | %d | %d |"
                .formatted(
                        ledger.standard(),
                        ledger.bound().size(),
                        ledger.count("server"),
                        ledger.count("client"),
                        ledger.count("not used"));
    }

    @Test
    void eachGapIsTold() {
        var ledger = Ledger.of(
                "S", Stream.of("# comment", "", "A server", "B server", "C client: pings the server", "D server"));
        assertThat(ledger.breaches(Map.of(
                        "A",
                        List.of("AnyIT.a"),
                        "B",
                        List.of("AnyTest.b"),
                        "C",
                        List.of("AnyIT.c"),
                        "E",
                        List.of("AnyIT.e"))))
                .containsExactly(
                        "B of S binds a server, and no test over a WebSocket names it",
                        "C of S is excused (client: pings the server), but named by AnyIT.c",
                        "D of S binds a server, and no test over a WebSocket names it",
                        "E is no statement of S, but named by AnyIT.e");
    }

    @Test
    void anExcuseNeedsAReason() {
        for (var line : List.of("A", "A nobody", "A client", "A client: no", "A serverless"))
            assertThatThrownBy(() -> Ledger.of("S", Stream.of(line))).hasMessage("S says of no one: " + line);
        assertThatThrownBy(() -> Ledger.of("S", Stream.of("A server", "A server")))
                .hasMessage("S has A twice");
    }
}
