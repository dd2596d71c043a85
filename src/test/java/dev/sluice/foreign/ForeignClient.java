package dev.sluice.foreign;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.awaitility.Awaitility;

/** One connection of a client library that others wrote, driven alike whichever it is; used by one thread. Nothing waits for ever. */
interface ForeignClient extends AutoCloseable {
    int PATIENCE_SECONDS = 30;
    /** For a burst in which the server is killed. */
    int BURST_SECONDS = 240;

    /**
     * @param persistent whether the session outlives the connection
     * @param willTopic null without a Will; the Will's payload is the client identifier, its QoS 1
     */
    record Identity(int port, String clientId, boolean persistent, String willTopic) {
        String url() {
            return "ws://127.0.0.1:" + port + "/mqtt";
        }
    }

    /** A message that the application got. */
    record Heard(String topic, String payload, int qos, boolean retain) {}

    /** Connects; whether the server says that the session is present. */
    boolean connect() throws Exception;

    /** Subscribes, and fails unless this QoS is granted. */
    void subscribe(String filter, int qos) throws Exception;

    void unsubscribe(String filter) throws Exception;

    /** Returns when the last answer that the QoS asks for is there. */
    void publish(String topic, String payload, int qos, boolean retain) throws Exception;

    /**
     * Gives the library the payloads 0, 1, 2 and so on at once, and lets it connect again by itself as often as it must; returns how many
     * were acknowledged in the end.
     */
    int burst(String topic, int count, int qos) throws Exception;

    /** What came and was not looked at yet, in the order in which it came. */
    BlockingQueue<Heard> heard();

    /** Leaves with DISCONNECT, and keeps the session if it is persistent. */
    void disconnect() throws Exception;

    /** Gives the socket and the threads back, whatever state the connection is in. */
    @Override
    void close();

    static <T> T await(CompletableFuture<T> answer) {
        return answer.orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
    }

    /** What a call answers once it no longer fails with this exception: tries it until then. */
    static <T> T taken(Class<? extends Exception> refusal, Callable<T> call) {
        return taken(BURST_SECONDS, refusal::isInstance, call);
    }

    /** The same for exceptions that this predicate takes, and for so many seconds. */
    static <T> T taken(int seconds, Predicate<Throwable> refusal, Callable<T> call) {
        return Awaitility.await()
                .pollInSameThread()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(20))
                .atMost(Duration.ofSeconds(seconds))
                .ignoreExceptionsMatching(refusal)
                .until(call, Objects::nonNull);
    }
}
