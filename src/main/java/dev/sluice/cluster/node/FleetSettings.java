package dev.sluice.cluster.node;

import dev.sluice.config.AccessConfig;
import dev.sluice.config.DownlinkConfig;
import dev.sluice.config.MqttConfig;
import dev.sluice.config.NodeConfig;
import dev.sluice.config.RelayConfig;
import dev.sluice.config.RulesConfig;
import dev.sluice.config.StoreConfig;
import dev.sluice.config.UplinkConfig;
import jakarta.inject.Singleton;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.StreamSupport;
import org.eclipse.microprofile.config.Config;

/**
 * What has to be the same in the configurations of all gateways: what clients and consumers are promised must not depend on the gateway that a
 * client comes to. No secrets are among it: others read it. Immutable.
 *
 * <p>What one gateway may take on, and how long it waits, is its own affair, as machines differ.
 */
@Singleton
class FleetSettings {
    private static final String ROUTES = "sluice.uplink.routes";
    private static final int DIGITS = 16;

    private final Map<String, String> values = new TreeMap<>();

    FleetSettings(
            NodeConfig node,
            RelayConfig relay,
            MqttConfig mqtt,
            StoreConfig store,
            UplinkConfig uplink,
            DownlinkConfig downlink,
            AccessConfig access,
            RulesConfig rules,
            Config all) {
        put("sluice.node.lease", node.lease());
        put("sluice.relay.topic", relay.topic());
        put("sluice.relay.partitions", relay.partitions());
        put("sluice.relay.patience", relay.patience());
        ofSessions(mqtt, store);
        ofUplink(uplink, all);
        ofDownlink(downlink);
        put("sluice.access.methods", list(access.methods()));
        put("sluice.access.authorization", rules.authorization());
        put("sluice.access.overlapping-deny", rules.overlappingDeny());
        put("sluice.access.on-lost-right", rules.onLostRight());
    }

    private void ofSessions(MqttConfig mqtt, StoreConfig store) {
        put("sluice.mqtt.session-expiry-maximum", mqtt.sessionExpiryMaximum());
        put("sluice.mqtt.share-order", mqtt.shareOrder());
        put("sluice.mqtt.retained-maximum", mqtt.retainedMaximum());
        put("sluice.mqtt.retained-name-bytes", mqtt.retainedNameBytes());
        put("sluice.store.sessions-maximum", store.sessionsMaximum());
        put("sluice.store.queue-count", store.queueCount());
        put("sluice.store.queue-bytes", store.queueBytes());
        put("sluice.store.queue-policy", store.queuePolicy());
    }

    private void ofUplink(UplinkConfig uplink, Config all) {
        put(ROUTES, digest(all, ROUTES + "."));
        put("sluice.uplink.unmatched", uplink.unmatched());
        put("sluice.uplink.default-route", uplink.defaultRoute().orElse(""));
        put("sluice.uplink.dead-letter-topic", uplink.deadLetterTopic());
        put("sluice.uplink.deadline", uplink.deadline());
        put("sluice.uplink.outage", uplink.outage());
        put("sluice.uplink.spool-rows", uplink.spoolRows());
        put("sluice.uplink.spool-bytes", uplink.spoolBytes());
    }

    private void ofDownlink(DownlinkConfig downlink) {
        put("sluice.downlink.topics", list(downlink.topics()));
        put("sluice.downlink.group", downlink.group());
        put("sluice.downlink.templates", new TreeMap<>(downlink.templates()));
        put("sluice.downlink.patience", downlink.patience());
        put("sluice.downlink.delivery-timeout", downlink.deliveryTimeout());
        put("sluice.downlink.undeliverable-topic", downlink.undeliverableTopic().orElse(""));
        put("sluice.downlink.unreadable", downlink.unreadable());
    }

    /** By their keys. */
    Map<String, String> values() {
        return values;
    }

    private void put(String key, Object value) {
        values.put(
                key,
                value instanceof Enum<?> one
                        ? one.name().toLowerCase(Locale.ROOT).replace('_', '-')
                        : value.toString());
    }

    private static String list(Optional<List<String>> values) {
        return String.join(",", values.orElse(List.of()));
    }

    /** Of many keys, which may be long: only whether they are the same. */
    private static String digest(Config all, String prefix) {
        var lines = StreamSupport.stream(all.getPropertyNames().spliterator(), false)
                .filter(name -> name.startsWith(prefix) && !name.contains("*")) // defaults of a version
                .distinct()
                .sorted()
                .map(name -> name + "=" + all.getConfigValue(name).getValue() + "\n")
                .toList();
        if (lines.isEmpty()) return "none";
        try {
            var digest = MessageDigest.getInstance("SHA-256");
            for (var line : lines) digest.update(line.getBytes(StandardCharsets.UTF_8));
            return lines.size() + " keys, digest "
                    + HexFormat.of().formatHex(digest.digest()).substring(0, DIGITS);
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
