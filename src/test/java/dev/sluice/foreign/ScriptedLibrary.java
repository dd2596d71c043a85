package dev.sluice.foreign;

import dev.sluice.foreign.ForeignClient.Identity;
import java.io.IOException;
import java.nio.file.Path;

/** The client libraries of other languages, with each version of MQTT that they speak; {@code src/test/foreign} holds their programs. Immutable. */
enum ScriptedLibrary implements Library {
    PAHO_PYTHON_3(Language.PYTHON, "paho-4"),
    PAHO_PYTHON_5(Language.PYTHON, "paho-5"),
    AIOMQTT_3(Language.PYTHON, "aiomqtt-4"),
    AIOMQTT_5(Language.PYTHON, "aiomqtt-5"),
    PAHO_GO_3(Language.GO, "golang-3"),
    AUTOPAHO_5(Language.GO, "autopaho-5"),
    RUMQTTC_3(Language.RUST, "rumqttc-3"),
    RUMQTTC_5(Language.RUST, "rumqttc-5"),
    MQTTJS4_3(Language.NODE, "mqtt.js-4-4"),
    MQTTJS4_5(Language.NODE, "mqtt.js-4-5"),
    MQTTJS5_3(Language.NODE, "mqtt.js-5-4"),
    MQTTJS5_5(Language.NODE, "mqtt.js-5-5");

    private static final Path ERRORS = Path.of("target/foreign/errors.log");

    private final Language language;
    private final String name;

    ScriptedLibrary(Language language, String name) {
        this.language = language;
        this.name = name;
    }

    @Override
    public boolean isVersion5() {
        return name.endsWith("5");
    }

    @Override
    public ScriptedClient client(Identity identity) throws IOException {
        return new ScriptedClient(language.program(), ERRORS, name, identity);
    }
}
