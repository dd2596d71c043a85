package dev.sluice.arch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.tools.ToolLog;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** Each JVM that the tests and the launcher start begins with {@link ToolLog}, which says why. */
class MainRuleTest {
    private static final Pattern FIRST_STATEMENT = Pattern.compile("(?m)^ +public static void main\\(.*\\s+(.*)$");

    @Test
    void everyMainStartsTheLogFirst() {
        var statements = Repository.files("src/test/java", ".java").stream()
                .map(source -> Repository.text(source.toString()))
                .flatMap(text -> FIRST_STATEMENT.matcher(text).results())
                .map(main -> main.group(1))
                .toList();
        assertThat(statements).hasSizeGreaterThan(3).containsOnly("ToolLog.start();");
    }
}
