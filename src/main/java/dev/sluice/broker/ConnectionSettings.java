package dev.sluice.broker;

import dev.sluice.codec.InputBounds;
import dev.sluice.config.MqttConfig;
import dev.sluice.config.RulesConfig;
import dev.sluice.config.UplinkConfig;
import jakarta.inject.Singleton;

/** What the configuration says of connections. Immutable; any thread may read it. */
@Singleton
final class ConnectionSettings {
    final MqttConfig mqtt;
    final InputBounds bounds;
    final UplinkConfig uplinks;
    final RulesConfig rules;

    ConnectionSettings(MqttConfig mqtt, InputBounds bounds, UplinkConfig uplinks, RulesConfig rules) {
        this.mqtt = mqtt;
        this.bounds = bounds;
        this.uplinks = uplinks;
        this.rules = rules;
    }
}
