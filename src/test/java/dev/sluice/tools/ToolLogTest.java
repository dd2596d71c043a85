package dev.sluice.tools;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jboss.logmanager.LogContext;
import org.jboss.logmanager.handlers.ConsoleHandler;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** The log of this JVM, which is that of the tools, of the launcher and of the embedded Kafka. */
class ToolLogTest {
    @Test
    void kafkaFormatsNoMessageForNobody() {
        assertThat(LoggerFactory.getLogger("kafka.server.KafkaApis").isTraceEnabled())
                .isFalse();
        assertThat(LoggerFactory.getLogger("org.apache.kafka.common.network.Selector")
                        .isDebugEnabled())
                .isFalse();
    }

    @Test
    void aWarningIsPrintedAndWhatKafkasClientsTryIsNot() {
        var console = Arrays.stream(LogContext.getLogContext().getLogger("").getHandlers())
                .filter(ConsoleHandler.class::isInstance)
                .map(ConsoleHandler.class::cast)
                .findFirst()
                .orElseThrow();
        var printed = new ByteArrayOutputStream();
        console.setOutputStream(printed);
        try {
            LoggerFactory.getLogger("kafka.server.KafkaApis").info("all is well");
            LoggerFactory.getLogger("org.apache.kafka.clients.NetworkClient").warn("cannot connect");
            LoggerFactory.getLogger("kafka.server.KafkaApis").warn("half of it is gone");
        } finally {
            console.setTarget(ConsoleHandler.Target.SYSTEM_ERR);
        }
        assertThat(printed.toString(StandardCharsets.UTF_8))
                .matches("[-0-9]{10} [:0-9]{8},[0-9]{3} WARN  \\[kafka.server.KafkaApis] half of it is gone\n");
    }
}
