package dev.sluice.nativeimage;

import static java.util.stream.Collectors.toCollection;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.lang.classfile.ClassModel;
import java.lang.classfile.instruction.ConstantInstruction;
import java.lang.constant.ClassDesc;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.postgresql.PGProperty;

/** Classes that a configuration can name: the executable has those alone that are registered when it is built. */
@Tag("native")
class NamedClassesTest {
    private static final String KAFKA = "org.apache.kafka.";
    /** By the property of Kafka's clients that names a class, the type that it has to be of. */
    private static final Map<String, String> KAFKA_KINDS = Map.ofEntries(
            Map.entry("key.serializer", KAFKA + "common.serialization.Serializer"),
            Map.entry("value.serializer", KAFKA + "common.serialization.Serializer"),
            Map.entry("key.deserializer", KAFKA + "common.serialization.Deserializer"),
            Map.entry("value.deserializer", KAFKA + "common.serialization.Deserializer"),
            Map.entry("partitioner.class", KAFKA + "clients.producer.Partitioner"),
            Map.entry("partition.assignment.strategy", KAFKA + "clients.consumer.ConsumerPartitionAssignor"),
            Map.entry("metric.reporters", KAFKA + "common.metrics.MetricsReporter"),
            Map.entry("config.providers", KAFKA + "common.config.provider.ConfigProvider"),
            Map.entry("security.providers", KAFKA + "common.security.auth.SecurityProviderCreator"),
            Map.entry("ssl.engine.factory.class", KAFKA + "common.security.auth.SslEngineFactory"),
            Map.entry("sasl.jaas.config", "javax.security.auth.spi.LoginModule"),
            Map.entry("sasl.login.class", KAFKA + "common.security.auth.Login"),
            Map.entry("sasl.login.callback.handler.class", KAFKA + "common.security.auth.AuthenticateCallbackHandler"),
            Map.entry("sasl.client.callback.handler.class", KAFKA + "common.security.auth.AuthenticateCallbackHandler"),
            Map.entry("sasl.oauthbearer.jwt.retriever.class", KAFKA + "common.security.oauthbearer.JwtRetriever"),
            Map.entry("sasl.oauthbearer.jwt.validator.class", KAFKA + "common.security.oauthbearer.JwtValidator"));

    /** Of two types, one for producers and one for consumers. */
    private static final List<String> INTERCEPTORS =
            List.of(KAFKA + "clients.producer.ProducerInterceptor", KAFKA + "clients.consumer.ConsumerInterceptor");

    /** By the property of PostgreSQL's driver, the type. */
    private static final Map<String, String> POSTGRES_KINDS = Map.of(
            "sslfactory", "javax.net.ssl.SSLSocketFactory",
            "sslhostnameverifier", "javax.net.ssl.HostnameVerifier",
            "sslpasswordcallback", "javax.security.auth.callback.CallbackHandler",
            "socketFactory", "javax.net.SocketFactory",
            "authenticationPluginClassName", "org.postgresql.plugin.AuthenticationPlugin");

    /** Arguments of such classes, and the name of a service of Windows. */
    private static final Set<String> NO_CLASSES = Set.of("sspiServiceClass", "sslfactoryarg", "socketFactoryArg");

    /** What the executable cannot do; the documentation has to say so by the name that stands here. */
    private static final Map<String, String> UNSUPPORTED = Map.of(
            KAFKA + "common.security.kerberos.KerberosLogin", "GSSAPI", "xmlFactoryFactory", "xmlFactoryFactory");

    private static final NativeSources SOURCES = NativeSources.get();

    @Test
    void theKindsOfKafkasClassesAreAllKnown() {
        var named = new TreeSet<String>();
        for (var definition :
                List.of(ProducerConfig.configDef(), ConsumerConfig.configDef(), AdminClientConfig.configDef()))
            for (var key : definition.configKeys().values())
                if (key.type == ConfigDef.Type.CLASS || holdsClasses(key)) named.add(key.name);
        named.removeAll(KAFKA_KINDS.keySet());
        assertThat(named)
                .as("properties of Kafka's clients that name classes of a kind that this test does not know")
                .containsExactly("interceptor.classes");
    }

    private static boolean holdsClasses(ConfigDef.ConfigKey key) {
        return key.name.matches(".*(\\.class(es)?|providers|reporters)|partition\\.assignment\\.strategy")
                || String.valueOf(key.defaultValue).contains(KAFKA);
    }

    @Test
    void theKindsOfPostgresClassesAreAllKnown() {
        var named = Arrays.stream(PGProperty.values())
                .map(PGProperty::getName)
                .filter(name -> name.matches("(?i).*(factory|class|verifier|callback|plugin).*"))
                .filter(name -> !NO_CLASSES.contains(name))
                .filter(name -> !UNSUPPORTED.containsKey(name));
        assertThat(named)
                .as("properties of PostgreSQL's driver that name classes")
                .allMatch(POSTGRES_KINDS::containsKey);
    }

    @Test
    void everyClassThatKafkaCanBeAskedForIsRegistered() {
        var kinds = Stream.concat(KAFKA_KINDS.values().stream(), INTERCEPTORS.stream())
                .collect(toCollection(TreeSet::new));
        assertThat(missing("kafka-clients", kinds, Set.of())).isEmpty();
    }

    @Test
    void everyClassThatPostgresCanBeAskedForIsRegistered() {
        assertThat(missing(
                        "postgresql-42",
                        Set.copyOf(POSTGRES_KINDS.values()),
                        Set.of("java.util.Properties", "java.lang.String")))
                .isEmpty();
    }

    /** Flyway finds its plugins by a list of names. */
    @Test
    void everyPluginOfFlywayIsRegistered() {
        var service = "META-INF/services/org.flywaydb.core.extensibility.Plugin";
        var plugins = SOURCES.jars().stream()
                .filter(jar -> NativeSources.entries(jar).contains(service))
                .flatMap(jar -> new String(NativeSources.bytes(jar, service)).lines())
                .map(line -> line.replaceAll("#.*", "").strip())
                .filter(line -> !line.isEmpty())
                .toList();
        assertThat(plugins).isNotEmpty();
        assertThat(SOURCES.constructible()).containsAll(plugins);
    }

    /** The builder passes over a name that it does not find, and ends at a class whose own classes it does not find. */
    @Test
    void everyClassThatIsRegisteredByOurOwnListsIsThere() {
        try (var classes = new ClassFiles(SOURCES.jars())) {
            for (var list : List.of("reflect-config.json", "jni-config.json")) {
                var names =
                        NativeSources.names(SOURCES.application(), "META-INF/native-image/dev.sluice/sluice/" + list);
                assertThat(names).isNotEmpty();
                assertThat(names.stream().flatMap(name -> unlinked(name, classes.loader())))
                        .as("our own " + list)
                        .isEmpty();
            }
        }
    }

    private static Stream<String> unlinked(String name, ClassLoader loader) {
        try {
            var type = Class.forName(name, false, loader);
            type.getDeclaredMethods();
            type.getDeclaredFields();
            type.getDeclaredConstructors();
            return Stream.empty();
        } catch (ClassNotFoundException | LinkageError missing) {
            return Stream.of("registers %s, which cannot be linked: %s".formatted(name, missing));
        }
    }

    @Test
    void everyClassThatWeNameIsRegistered() throws Exception {
        var sentences = new TreeSet<String>();
        var registered = SOURCES.constructible();
        try (var classes = new ClassFiles(SOURCES.jars())) {
            ours(classes).forEach((name, place) -> {
                if (!registered.contains(name))
                    sentences.add("%s names the class %s (%s), which is not registered for reflection"
                            .formatted(place, name, classes.origin(name)));
            });
        }
        assertThat(sentences).isEmpty();
    }

    /** The classes that our code holds as text, or hands over to be made, and those of our configuration, with the place of each. */
    private static Map<String, String> ours(ClassFiles classes) throws Exception {
        var named = new TreeMap<String, String>();
        var properties = new Properties();
        properties.load(new ByteArrayInputStream(NativeSources.bytes(SOURCES.application(), "application.properties")));
        properties.forEach((key, value) -> Stream.of(value.toString().split(","))
                .map(String::strip)
                .filter(classes::has)
                .forEach(name -> named.put(name, "application.properties, by " + key + ",")));
        var kinds = Stream.concat(KAFKA_KINDS.values().stream(), INTERCEPTORS.stream())
                .collect(toCollection(TreeSet::new));
        classes.names()
                .filter(it -> Files.exists(Path.of("target/classes", it.replace('.', '/') + ".class")))
                .map(it -> classes.find(it).orElseThrow())
                .forEach(type -> constants(type)
                        .filter(it -> it.isText()
                                ? classes.has(it.name())
                                : !kinds(classes, it.name(), kinds).isEmpty())
                        .forEach(it -> named.put(
                                it.name(), type.thisClass().asInternalName().replace('/', '.'))));
        return named;
    }

    private record Constant(String name, boolean isText) {}

    /** Texts, and classes that are handed on as values. */
    private static Stream<Constant> constants(ClassModel type) {
        return type.methods().stream()
                .flatMap(method -> method.code().stream())
                .flatMap(code -> code.elementStream())
                .filter(ConstantInstruction.class::isInstance)
                .map(it -> ((ConstantInstruction) it).constantValue())
                .flatMap(value -> switch (value) {
                    case String text -> Stream.of(new Constant(text, true));
                    case ClassDesc of
                    when of.isClassOrInterface() ->
                        Stream.of(new Constant(of.packageName() + "." + of.displayName(), false));
                    default -> Stream.<Constant>empty();
                });
    }

    private static List<String> kinds(ClassFiles classes, String name, Set<String> types) {
        return kind(classes.loader(), name, types, Set.of()).toList();
    }

    @Test
    void whatIsUnsupportedIsSaid() throws Exception {
        var said = documentation();
        assertThat(UNSUPPORTED.values()).allMatch(said::contains);
    }

    private static String documentation() throws Exception {
        var text = new StringBuilder(Files.readString(Path.of("README.md")));
        if (Files.isDirectory(Path.of("docs")))
            try (var pages = Files.list(Path.of("docs"))) {
                for (var page :
                        pages.filter(it -> it.toString().endsWith(".md")).toList()) text.append(Files.readString(page));
            }
        return text.toString();
    }

    /** A sentence for each class of a jar that is of one of these types, can be made, and is neither registered nor unsupported. */
    private static List<String> missing(String jar, Set<String> types, Set<String> arguments) {
        try (var classes = new ClassFiles(SOURCES.jars())) {
            var origin = SOURCES.jar(jar).getFileName().toString();
            var registered = SOURCES.constructible();
            return classes.names()
                    .filter(name -> classes.origin(name).equals(origin))
                    .filter(name -> !registered.contains(name) && !UNSUPPORTED.containsKey(name))
                    .flatMap(name -> kind(classes.loader(), name, types, arguments)
                            .map(type ->
                                    "the configuration can name %s, a %s (%s), which is not registered for reflection"
                                            .formatted(name, type, origin)))
                    .toList();
        }
    }

    /** The type that a class is of; none where it cannot be linked, or cannot be made with these arguments. */
    private static Stream<String> kind(ClassLoader loader, String name, Set<String> types, Set<String> arguments) {
        try {
            var type = Class.forName(name, false, loader);
            if (Modifier.isAbstract(type.getModifiers()) || !Modifier.isPublic(type.getModifiers()))
                return Stream.empty();
            var canBeMade = Arrays.stream(type.getConstructors())
                    .map(it -> it.getParameterTypes())
                    .anyMatch(it -> it.length == 0 || it.length == 1 && arguments.contains(it[0].getName()));
            if (!canBeMade) return Stream.empty();
            return types.stream().filter(it -> isOf(type, it, loader)).limit(1);
        } catch (ReflectiveOperationException | LinkageError needsWhatIsNotThere) {
            return Stream.empty();
        }
    }

    private static boolean isOf(Class<?> type, String kind, ClassLoader loader) {
        try {
            return Class.forName(kind, false, loader).isAssignableFrom(type);
        } catch (ClassNotFoundException e) {
            throw new AssertionError("the type " + kind + " is not there any more", e);
        }
    }
}
