package dev.sluice.dev;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;

class RecordAuditTest {
    private final RecordAudit audit = new RecordAudit();

    @Test
    void findsNothingWrongWithConsecutiveRecords() {
        add("a", "id1", "1/1");
        add("a", "id2", "1/2");
        add("a", "id3", "2/1");
        assertThat(audit.findings()).containsOnlyKeys("a").containsValue(new RecordAudit.Findings(3, 0, 0, 0));
    }

    @Test
    void countsRepeatsGapsAndDisorderPerClient() {
        add("a", "id1", "1/1");
        add("a", "id1", "2/1");
        add("a", "id4", "2/4");
        add("a", "id3", "2/3");
        add("b", "id1", "1/1");
        assertThat(audit.findings().get("a")).isEqualTo(new RecordAudit.Findings(4, 1, 1, 1));
        assertThat(audit.findings().get("b")).isEqualTo(new RecordAudit.Findings(1, 0, 0, 0));
    }

    @Test
    void takesQos0ForWhatItIs() {
        add("a", null, "1/1");
        add("a", null, "1/2");
        assertThat(audit.findings().get("a")).isEqualTo(new RecordAudit.Findings(2, 0, 0, 0));
    }

    private void add(String clientId, String messageId, String sequence) {
        var record = new ConsumerRecord<>("fleet.telemetry", 0, 0, clientId.getBytes(UTF_8), new byte[0]);
        record.headers().add("mqtt-client-id", clientId.getBytes(UTF_8)).add("mqtt-seq", sequence.getBytes(UTF_8));
        if (messageId != null) {
            record.headers().add("mqtt-message-id", messageId.getBytes(UTF_8));
        }
        audit.add(record);
    }
}
