package dev.sluice.foreign;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.sluice.support.Programs;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The process of {@code src/test/foreign/js/crowd.cjs}, many clients of MQTT.js; used by one thread. */
final class Crowd implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int PATIENCE_SECONDS = 60;

    private final BlockingQueue<String> lines = new LinkedBlockingQueue<>();
    private final Process process;
    private final BufferedWriter commands;

    /**
     * @param heard messages that subscribers have got
     * @param ends what ended connections
     */
    record Look(int published, int acknowledged, int heard, List<String> ends) {}

    private Crowd(Process process) {
        this.process = process;
        commands = process.outputWriter();
        Thread.ofVirtual().start(() -> process.inputReader().lines().forEach(lines::add));
    }

    /** Returns when all have connected and subscribed. */
    static Crowd start(int port, int subscribers, int publishers) throws IOException {
        var script = Path.of(Language.NODE.program().getLast()).resolveSibling("crowd.cjs");
        var numbers = List.of(port, subscribers, publishers).stream().map(Object::toString);
        var command = new ArrayList<>(List.of("node", script.toString()));
        command.addAll(numbers.toList());
        var crowd = new Crowd(new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start());
        crowd.answer();
        return crowd;
    }

    private Look answer() {
        try {
            var line = lines.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
            assertThat(line).as("an answer of the crowd").isNotNull();
            return JSON.readValue(line, Look.class);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private Look ask(String what) {
        try {
            commands.write(what + "\n");
            commands.flush();
            return answer();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What has happened up to now. */
    Look look() {
        return ask("look");
    }

    /** Ends the publishing, and waits until all is acknowledged; then the same. */
    Look stop() {
        return ask("stop");
    }

    @Override
    public void close() {
        Programs.end(process);
    }
}
