package dev.sluice.uplink;

import dev.sluice.config.UplinkConfig;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.QoS;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.producer.Handover;
import dev.sluice.uplink.producer.KnownTopics;
import dev.sluice.uplink.producer.Refusal;
import dev.sluice.uplink.producer.UplinkProducer;
import dev.sluice.uplink.route.RouteTables;
import dev.sluice.uplink.route.RoutesInForce;
import dev.sluice.uplink.spool.Spool;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import jakarta.enterprise.inject.Vetoed;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.producer.Callback;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.DisconnectException;
import org.apache.kafka.common.errors.TimeoutException;

/** Owns an uplink whose producer and spool only write down what they get; used by one thread. */
public final class UplinkRig {
    public final UplinkConfig config;
    public final Producer producer = new Producer();
    public final KnownTopics topics = new KnownTopics();
    public final FakeSpool spool;
    public final RoutesInForce routes;
    public final Uplink uplink;
    /** Whether Kafka does not answer. */
    public volatile boolean isKafkaSilent;

    /** @param keys of the configuration, without {@code sluice.uplink.} */
    public UplinkRig(Map<String, String> keys) {
        var all = new HashMap<String, String>();
        keys.forEach((key, value) -> all.put("sluice.uplink." + key, value));
        config = RouteTables.config(all);
        spool = new FakeSpool(config);
        routes = new RoutesInForce(config);
        uplink = new Uplink(
                config, routes, producer, topics, spool, OpenTelemetry.noop(), true, new SimpleMeterRegistry());
    }

    /** One that never asks. */
    public KafkaHealth health() {
        return new Health();
    }

    private static Packet.Publish publish(String topic) {
        return new Packet.Publish(
                false, QoS.AT_MOST_ONCE, false, TopicName.of(topic), 0, Properties.NONE, new byte[10_000]);
    }

    /** Whether a message to this topic would be held back from a client that has nothing under way. */
    public boolean held(String topic) {
        return client().holdsBack(publish(topic));
    }

    /** Publishes to this topic, which is not answered, from one client after the other, until there is no room. */
    public void publishUntilHeld(String topic) {
        for (int i = 0; i < 10_000 && !held(topic); i++) client().forward(publish(topic), 0, null);
    }

    private ClientUplink client() {
        return uplink.open("client", null, 1, true, Runnable::run, _ -> {});
    }

    @Vetoed // else the tests that start Quarkus find two
    public static final class Producer extends UplinkProducer {
        public final List<ProducerRecord<byte[], byte[]>> sent = new ArrayList<>();
        /** Of what was sent, until it is answered. */
        public final ArrayDeque<Callback> unanswered = new ArrayDeque<>();

        public final List<String> renewals = new ArrayList<>();
        /** Kafka topics that the producer has no room for. */
        public final Set<String> crowded = new HashSet<>();
        /** Of every record; null for none. */
        public Refusal refusal;
        /** Of every Kafka topic; 0 as long as nobody knows. */
        public int partitions;

        private Producer() {
            super(null, null, null, null, new SimpleMeterRegistry());
        }

        @Override
        public Handover hand(ProducerRecord<byte[], byte[]> record, Callback later) {
            if (crowded.contains(record.topic())) return Handover.NOT_NOW;
            if (refusal != null) return new Handover.Refused(refusal);
            sent.add(record);
            unanswered.add(later);
            return Handover.TAKEN;
        }

        @Override
        public int partitions(String kafkaTopic) {
            if (partitions == 0) throw new TimeoutException("no metadata");
            return partitions;
        }

        /** Kafka takes the record that waits longest. */
        public void answer() {
            unanswered.remove().onCompletion(null, null);
        }

        /** The record that waits longest fails, and would not the next time. */
        public void fail() {
            fail(new DisconnectException());
        }

        public void fail(Exception why) {
            unanswered.remove().onCompletion(null, why);
        }

        @Override
        public void letInAgain(String why) {
            renewals.add(why);
        }
    }

    @Vetoed // else the tests that start Quarkus find two
    private final class Health extends KafkaHealth {
        private Health() {
            super(routes, producer, spool, Map.of());
        }

        @Override
        public boolean isSilent() {
            return isKafkaSilent;
        }
    }

    @Vetoed // else the tests that start Quarkus find two
    public static final class FakeSpool extends Spool {
        public final List<JournalWrite.Spool> writes = new ArrayList<>();
        public boolean on = true;
        public boolean room = true;
        /** Of records that the producer has. */
        public int rowsMade;

        private FakeSpool(UplinkConfig config) {
            super(config, null, null, new SimpleMeterRegistry());
        }

        @Override
        public boolean isOn() {
            return on;
        }

        @Override
        public Long run() {
            rowsMade++;
            return 1L;
        }

        @Override
        public long writesAs() {
            return JournalWrite.ANY_RUN;
        }

        @Override
        public boolean hasRoom() {
            return room;
        }

        @Override
        public boolean journalHasRoom(String clientId) {
            return true;
        }

        @Override
        public boolean submit(JournalWrite.Spool write) {
            return room && writes.add(write);
        }
    }
}
