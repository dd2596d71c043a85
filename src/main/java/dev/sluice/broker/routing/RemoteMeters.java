package dev.sluice.broker.routing;

import dev.sluice.packet.QoS;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.Function;
import java.util.stream.Stream;

/** Counts what gateways give each other for connected clients. Any thread may use it. */
final class RemoteMeters {
    private final Counter[] sent;
    private final Counter[] received;
    private final Counter failed;
    private final Counter missed;
    private final Counter dropped;

    RemoteMeters(RemoteInterest interest, MeterRegistry meters) {
        Gauge.builder("sluice.remote.filters", interest, RemoteInterest::size)
                .description("Topic Filters that clients connected to other gateways want, as these have announced")
                .register(meters);
        sent = byQoS(qos -> messages("sent", qos, meters));
        received = byQoS(qos -> messages("received", qos, meters));
        failed = Counter.builder("sluice.remote.failed")
                .description("Messages for other gateways that Kafka did not take, or that there was no room for")
                .register(meters);
        missed = Counter.builder("sluice.remote.missed")
                .description("Messages of other gateways that came when nobody here wanted them any more")
                .register(meters);
        dropped = Counter.builder("sluice.remote.dropped")
                .description(
                        "Messages of other gateways that were dropped, since event loops or the journal had no room")
                .register(meters);
    }

    private static Counter[] byQoS(Function<QoS, Counter> counter) {
        return Stream.of(QoS.values()).map(counter).toArray(Counter[]::new);
    }

    private static Counter messages(String direction, QoS qos, MeterRegistry meters) {
        return Counter.builder("sluice.remote.messages")
                .description("Messages that gateways give each other for connected clients, by direction and QoS")
                .tag("direction", direction)
                .tag("qos", String.valueOf(qos.ordinal()))
                .register(meters);
    }

    void sent(QoS qos) {
        sent[qos.ordinal()].increment();
    }

    void received(QoS qos) {
        received[qos.ordinal()].increment();
    }

    void failed() {
        failed.increment();
    }

    void missed() {
        missed.increment();
    }

    void dropped() {
        dropped.increment();
    }
}
