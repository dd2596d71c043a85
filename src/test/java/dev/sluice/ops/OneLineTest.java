package dev.sluice.ops;

import static org.assertj.core.api.Assertions.assertThat;

import org.jboss.logmanager.ExtLogRecord;
import org.jboss.logmanager.ExtLogRecord.FormatStyle;
import org.jboss.logmanager.Level;
import org.jboss.logmanager.formatters.PatternFormatter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OneLineTest {
    private static String logged(String format, Object... parameters) {
        var record = new ExtLogRecord(Level.INFO, format, FormatStyle.PRINTF, "test");
        record.setParameters(parameters);
        assertThat(new OneLine().isLoggable(record)).isTrue();
        return new PatternFormatter("%s").format(record);
    }

    @Test
    void aClientCannotBeginALine() {
        var clientId = "x\n2026-01-01 00:00:00,000 ERROR [forged] by a client\r%s\u001b[2J\u0085\u2028";
        assertThat(logged("client %s online", clientId))
                .isEqualTo("client x\\n2026-01-01 00:00:00,000 ERROR [forged] by a client\\r%s\\u001b[2J\\u0085\\u2028"
                        + " online");
    }

    @ParameterizedTest
    @ValueSource(strings = {"client-1", "grün\tund 日本", ""})
    void otherTextStaysAsItIs(String clientId) {
        assertThat(logged("client %s", clientId)).isEqualTo("client " + clientId);
    }
}
