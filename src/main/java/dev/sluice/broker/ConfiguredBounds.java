package dev.sluice.broker;

import dev.sluice.codec.InputBounds;
import dev.sluice.config.MqttConfig;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;

/** Makes the bounds of what clients send out of the configuration, for all who read it. Used once, at the start. */
final class ConfiguredBounds {
    @Produces
    @Singleton
    InputBounds bounds(MqttConfig config) {
        return new InputBounds(
                config.topicLevelsMaximum(),
                config.userPropertiesMaximum(),
                config.userPropertyBytesMaximum(),
                config.propertyBytesMaximum(),
                config.subscribeEntriesMaximum(),
                config.connectBytesMaximum(),
                config.topicAliasBytesMaximum(),
                config.unansweredSubscribesMaximum());
    }
}
