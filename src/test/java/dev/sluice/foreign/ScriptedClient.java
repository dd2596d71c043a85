package dev.sluice.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.support.Programs;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A client of {@code src/test/foreign}, a process of its own that is told what to do line by line; used by one thread. */
final class ScriptedClient implements ForeignClient {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final BlockingQueue<Heard> heard = new LinkedBlockingQueue<>();
    private final BlockingQueue<JsonNode> answers = new LinkedBlockingQueue<>();
    private final Identity identity;
    private final String library;
    private final Process process;
    private final BufferedWriter commands;

    /** @param library its name in the script */
    ScriptedClient(List<String> program, Path errors, String library, Identity identity) throws IOException {
        this.identity = identity;
        this.library = library;
        process = new ProcessBuilder(program)
                .redirectError(ProcessBuilder.Redirect.appendTo(errors.toFile()))
                .start();
        commands = process.outputWriter();
        Thread.ofVirtual().start(() -> read(process.inputReader()));
    }

    private void read(BufferedReader lines) {
        try (lines) {
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                var told = JSON.readTree(line);
                if (told.has("topic"))
                    heard.add(new Heard(
                            told.get("topic").asText(),
                            told.get("payload").asText(),
                            told.get("qos").asInt(),
                            told.get("retain").asBoolean()));
                else answers.add(told);
            }
        } catch (IOException _) {
            // the process has ended: whoever waits for an answer hears of it by the clock
        }
    }

    private JsonNode ask(long seconds, String what, Map<String, Object> how) throws Exception {
        var command = JSON.createObjectNode().put("do", what);
        how.forEach((name, value) -> command.set(name, JSON.valueToTree(value)));
        commands.write(command + "\n");
        commands.flush();
        var answer = answers.poll(seconds, TimeUnit.SECONDS);
        assertThat(answer).as("%s: an answer to %s", library, what).isNotNull();
        assertThat(answer.has("error")).as("%s, %s: %s", library, what, answer).isFalse();
        return answer.get("ok");
    }

    @Override
    public boolean connect() throws Exception {
        return ask(
                        PATIENCE_SECONDS,
                        "connect",
                        Map.of(
                                "port", identity.port(),
                                "id", identity.clientId(),
                                "library", library,
                                "persistent", identity.persistent(),
                                "will", identity.willTopic() == null ? "" : identity.willTopic()))
                .asBoolean();
    }

    @Override
    public void subscribe(String filter, int qos) throws Exception {
        var granted = ask(PATIENCE_SECONDS, "subscribe", Map.of("filter", filter, "qos", qos));
        assertThat(granted.asInt()).isEqualTo(qos);
    }

    @Override
    public void unsubscribe(String filter) throws Exception {
        ask(PATIENCE_SECONDS, "unsubscribe", Map.of("filter", filter));
    }

    @Override
    public void publish(String topic, String payload, int qos, boolean retain) throws Exception {
        ask(PATIENCE_SECONDS, "publish", Map.of("topic", topic, "payload", payload, "qos", qos, "retain", retain));
    }

    @Override
    public int burst(String topic, int count, int qos) throws Exception {
        return ask(BURST_SECONDS, "burst", Map.of("topic", topic, "count", count, "qos", qos))
                .asInt();
    }

    @Override
    public BlockingQueue<Heard> heard() {
        return heard;
    }

    @Override
    public void disconnect() throws Exception {
        ask(PATIENCE_SECONDS, "disconnect", Map.of());
    }

    @Override
    public void close() {
        Programs.end(process);
    }
}
