package dev.sluice.broker;

import dev.sluice.codec.InputBounds;
import dev.sluice.config.MqttConfig;
import dev.sluice.session.Limits;
import dev.sluice.session.QueuePolicy;
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

    /** What a session is granted at most. */
    static Limits limits(MqttConfig config, InputBounds bounds) {
        return new Limits(
                config.receiveMaximum(),
                config.unreleasedMaximum(),
                config.topicAliasMaximum(),
                config.maximumPacketSize(),
                config.keepAliveMaximum(),
                config.sessionExpiryMaximum().toSeconds(),
                config.clientIdMaximum(),
                config.responseInformation().orElse(null),
                config.sendQuota(),
                config.queueCount(),
                config.queueBytes(),
                QueuePolicy.valueOf(config.queuePolicy().name()),
                config.queuePage(),
                config.payloadFormatCheck(),
                bounds);
    }
}
