package dev.sluice.arch;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.dev.EmbeddedKafka;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.utils.AppInfoParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What ships is well formed and agrees with the build, as far as that can be told without Docker and without GitHub. */
class DeployTest {
    /** MiB that a JVM takes besides its heap and direct memory: classes, compiled code, threads. */
    private static final int JVM_ITSELF = 200;

    private static final String JAVA = Repository.pom("maven.compiler.release");
    private static final String KAFKA = Repository.pom("kafka.version");
    private static final String POSTGRES =
            Repository.pom("postgres.binaries.version").replaceAll("\\..*", "");
    private static final Set<String> BUILD_OUTPUTS =
            Set.of("target/" + Repository.pom("finalName") + ".jar", "target/" + Repository.pom("finalName"));
    /** Variables of the gateway that are no key of application.properties. */
    private static final Set<String> STANDARD_VARIABLES =
            Set.of("SMALLRYE_CONFIG_LOCATIONS", "QUARKUS_DATASOURCE_PASSWORD");

    private static final Node COMPOSE = Repository.yaml("deploy/compose.yaml");

    static Stream<String> workflows() {
        return Repository.files(".github/workflows", ".yml").stream().map(Object::toString);
    }

    @Test
    void thereAreFourWorkflows() {
        assertThat(workflows()).hasSize(5);
    }

    /** What is known of a dependency changes while the dependency does not. */
    @Test
    void whatIsInTheJarIsLookedUpEachDayAndWithEachPush() {
        var workflow = Repository.yaml(".github/workflows/vulnerabilities.yml");
        assertThat(workflow.at(true).entries()).containsKeys("push", "schedule");
        assertThat(workflow.at("jobs").at("sbom").at("steps").items())
                .anySatisfy(step -> assertThat(step.at("run").text()).isEqualTo("./sluice vulnerabilities"));
    }

    @ParameterizedTest
    @MethodSource("workflows")
    void aWorkflowHasLeastPermissionsAndOneRunAtATime(String file) {
        var workflow = Repository.yaml(file);
        assertThat(workflow.at("permissions").value()).hasToString("{contents=read}");
        assertThat(workflow.at("concurrency").at("group").text()).contains("${{ github.ref }}");
        // YAML 1.1 reads the key `on` as a boolean.
        assertThat(workflow.at(true).entries()).isNotEmpty();
        for (var job : workflow.at("jobs").entries().values()) {
            assertThat(job.at("runs-on").text()).doesNotContain("latest");
            assertThat(Integer.parseInt(job.at("timeout-minutes").text())).isBetween(5, 120);
            var mayPublish = file.endsWith("image.yml");
            assertThat(job.has("permissions")).isEqualTo(mayPublish);
            if (mayPublish) assertThat(job.at("permissions").value()).hasToString("{contents=read, packages=write}");
        }
    }

    @ParameterizedTest
    @MethodSource("workflows")
    void aWorkflowUsesPinnedActionsTheJavaOfThePomAndCommandsThatExist(String file) {
        for (var job : Repository.yaml(file).at("jobs").entries().values()) {
            for (var step : job.at("steps").items()) {
                if (step.has("uses")) assertThat(step.at("uses").text()).matches("[\\w-]+/[\\w-]+@v\\d+");
                if (step.has("with") && step.at("with").has("java-version"))
                    assertThat(step.at("with").at("java-version").text()).isEqualTo(JAVA);
                if (step.has("run")) {
                    var command = step.at("run").text().split(" ")[0];
                    assertThat(command.equals("mvn") || Files.isExecutable(Repository.path(command)))
                            .as("%s runs %s", file, command)
                            .isTrue();
                }
            }
        }
    }

    @Test
    void theImageWorkflowPublishesEveryDockerfile() {
        var builds = Repository.yaml(".github/workflows/image.yml")
                .at("jobs")
                .at("publish")
                .at("strategy")
                .at("matrix")
                .at("include")
                .items();
        assertThat(builds.stream().map(build -> build.at("dockerfile").text()))
                .containsExactly("deploy/Dockerfile.jvm", "deploy/Dockerfile.native");
        assertThat(builds.stream().map(build -> build.at("build").text().contains("-Dnative")))
                .containsExactly(false, true);
        assertThat(Repository.text("pom.xml")).contains("<name>native</name>", "<quarkus.native.enabled>true<");
    }

    private static List<String> instructions(String dockerfile, String instruction) {
        return Repository.text(dockerfile)
                .lines()
                .filter(line -> line.startsWith(instruction + " "))
                .map(line -> line.substring(instruction.length()).strip())
                .toList();
    }

    @ParameterizedTest
    @ValueSource(strings = {"deploy/Dockerfile.jvm", "deploy/Dockerfile.native"})
    void anImageRunsOneProcessThatIsNotRoot(String dockerfile) {
        assertThat(instructions(dockerfile, "FROM")).singleElement().asString().contains(":");
        assertThat(instructions(dockerfile, "ENTRYPOINT"))
                .singleElement()
                .asString()
                .matches("\\[\"[^\"]+\"(, \"[^\"]+\")*]");
        assertThat(instructions(dockerfile, "USER")).isNotEmpty();
        assertThat(instructions(dockerfile, "USER").getLast()).isNotIn("0", "root");
        assertThat(instructions(dockerfile, "EXPOSE")).containsExactly("8080 8443 9000");
    }

    @ParameterizedTest
    @ValueSource(strings = {"deploy/Dockerfile.jvm", "deploy/Dockerfile.native"})
    void anImageCopiesWhatIsThereAndLetThrough(String dockerfile) {
        var letThrough = Repository.text(".dockerignore").lines().toList();
        for (var copy : instructions(dockerfile, "COPY")) {
            var words = Arrays.stream(copy.split(" "))
                    .filter(word -> !word.startsWith("--"))
                    .toList();
            for (var source : words.subList(0, words.size() - 1)) {
                assertThat(BUILD_OUTPUTS.contains(source) || Files.exists(Repository.path(source)))
                        .as("%s copies %s", dockerfile, source)
                        .isTrue();
                assertThat(letThrough).contains("!" + source);
            }
        }
    }

    /** Whatever is asked has to be in the image, which holds no shell. */
    @Test
    void theNativeImageBoundsItsHeapEndsWithoutMemoryAndAsksItself() {
        var dockerfile = "deploy/Dockerfile.native";
        assertThat(instructions(dockerfile, "ENTRYPOINT").getFirst())
                .startsWith("[\"./sluice\"")
                .contains("-XX:+ExitOnOutOfMemoryError");
        assertFitsInto1GiB(instructions(dockerfile, "ENTRYPOINT").getFirst(), "MaximumHeapSizePercent");
        assertThat(instructions(dockerfile, "HEALTHCHECK"))
                .singleElement()
                .asString()
                .endsWith("CMD [\"./sluice\", \"health\"]");
    }

    @Test
    void theJvmImageBoundsItsMemoryAndEndsWithoutAny() {
        var options = instructions("deploy/Dockerfile.jvm", "ENV").getFirst();
        assertThat(options).contains("-XX:+ExitOnOutOfMemoryError");
        assertFitsInto1GiB(options, "MaxRAMPercentage");
    }

    /** Without a word of the JVM, a container that takes more than its memory is killed. */
    private static void assertFitsInto1GiB(String options, String percentage) {
        var heap = 1024 * number(options, "-XX:" + percentage + "=(\\d+)") / 100;
        var direct = number(options, "-XX:MaxDirectMemorySize=(\\d+)m");
        assertThat(heap + direct + JVM_ITSELF).as("MiB").isLessThan(1024);
    }

    private static int number(String options, String pattern) {
        var found = Pattern.compile(pattern).matcher(options);
        assertThat(found.find()).as("%s in %s", pattern, options).isTrue();
        return Integer.parseInt(found.group(1));
    }

    @Test
    void theCacheIsTrainedWithTheJavaAndTheFlagsThatRun() {
        assertThat(instructions("deploy/Dockerfile.jvm", "FROM")).containsExactly("eclipse-temurin:" + JAVA + "-jre");
        var entryPoint = instructions("deploy/Dockerfile.jvm", "ENTRYPOINT").getFirst();
        var training = Repository.text("deploy/train-aot.sh");
        var flags = Pattern.compile("-XX:[+-]\\w+");
        assertThat(flags.matcher(training).results().map(found -> found.group()))
                .isNotEmpty()
                .containsExactlyElementsOf(flags.matcher(entryPoint)
                        .results()
                        .map(found -> found.group())
                        .toList());
        assertThat(Files.isExecutable(Repository.path("deploy/train-aot.sh"))).isTrue();
        assertVariablesAreKeys(Pattern.compile("\\b((?:SLUICE|QUARKUS|KAFKA)_\\w+)=")
                .matcher(training)
                .results()
                .map(found -> found.group(1))
                .toList());
    }

    @Test
    void composeRunsTheServersThatTheTestsRun() {
        var services = COMPOSE.at("services");
        assertThat(services.at("postgres").at("image").text()).isEqualTo("postgres:" + POSTGRES);
        assertThat(services.at("kafka").at("image").text()).isEqualTo("apache/kafka:" + KAFKA);
        assertThat(services.at("topics").at("image").text()).isEqualTo("apache/kafka:" + KAFKA);
        assertThat(AppInfoParser.getVersion()).as("version of the Kafka client").isEqualTo(KAFKA);
    }

    @Test
    void composeWaitsForWhatIsThere() {
        var services = COMPOSE.at("services");
        for (var service : services.entries().values()) {
            if (!service.has("depends_on")) continue;
            service.at("depends_on").entries().forEach((name, dependency) -> {
                var condition = dependency.at("condition").text();
                assertThat(condition).isIn("service_healthy", "service_completed_successfully");
                assertThat(services.at(name).has("healthcheck")).isEqualTo(condition.equals("service_healthy"));
            });
        }
    }

    /** Of what only one can have, a gateway that is there several times has nothing: a port of the host, a name, a node id. */
    @Test
    void composeCanScaleTheGateway() {
        var services = COMPOSE.at("services");
        var gateway = services.at("gateway");
        assertThat(gateway.at("ports").texts()).allMatch(port -> port.matches("127\\.0\\.0\\.1:\\d+-\\d+:\\d+"));
        assertThat(gateway.has("container_name")).isFalse();
        assertThat(gateway.at("environment").has("SLUICE_NODE_ID")).isFalse();
        assertThat(services.at("balancer").at("ports").texts()).containsExactly("127.0.0.1:8080:8080");
        var proxy = services.at("balancer").at("volumes").texts().getFirst().split(":")[0];
        assertThat(Repository.text("deploy/" + proxy))
                .contains("bind :8080", " gateway:8080", "check port 9000", "/q/health/ready");
    }

    @Test
    void composeMountsAndBuildsWhatIsThere() {
        for (var service : COMPOSE.at("services").entries().values()) {
            if (service.has("volumes")) service.at("volumes").texts().forEach(DeployTest::assertMountable);
            if (!service.has("build")) continue;
            assertThat(Repository.path(service.at("build").at("dockerfile").text()))
                    .exists();
            assertThat(service.at("build").at("context").text()).isEqualTo("..");
        }
    }

    private static void assertMountable(String volume) {
        var source = volume.split(":")[0];
        if (source.startsWith("./"))
            assertThat(Repository.path("deploy").resolve(source)).exists();
        else assertThat(COMPOSE.at("volumes").has(source)).as(volume).isTrue();
    }

    @Test
    void composeConfiguresTheGatewayWithKeysThatItHas() {
        var gateway = COMPOSE.at("services").at("gateway");
        assertVariablesAreKeys(gateway.at("environment").entries().keySet());
        var locations =
                gateway.at("environment").at("SMALLRYE_CONFIG_LOCATIONS").text();
        assertThat(gateway.at("volumes").texts()).anyMatch(volume -> volume.contains(":" + locations + ":"));
    }

    private static void assertVariablesAreKeys(Iterable<String> variables) {
        var keys = new ArrayList<>(ConfigKeys.defaults().keySet());
        keys.addAll(Repository.properties("src/main/resources/application.properties")
                .stringPropertyNames());
        keys.addAll(List.of("quarkus.http.host", "quarkus.management.host", "quarkus.management.port"));
        keys.add("quarkus.http.port");
        keys.add("quarkus.log.console.level");
        assertThat(variables)
                .isNotEmpty()
                .allMatch(variable -> STANDARD_VARIABLES.contains(variable)
                        || keys.stream().anyMatch(key -> ConfigKeys.variable(key)
                                .matcher(variable)
                                .matches()));
    }

    @Test
    void composeCreatesTheKafkaTopicsOfTheTourAndOfTheDownlink() {
        var wanted = new HashSet<String>();
        var tour = Repository.properties("deploy/tour.properties");
        for (var key : tour.stringPropertyNames()) {
            if (key.endsWith(".kafka-topic")) wanted.add(tour.getProperty(key));
        }
        assertThat(wanted).hasSize(1);
        wanted.addAll(List.of(
                ConfigKeys.defaults().get("sluice.downlink.topics"),
                ConfigKeys.defaults().get("sluice.uplink.dead-letter-topic")));
        var script =
                COMPOSE.at("services").at("topics").at("entrypoint").texts().getLast();
        assertThat(script).contains("--create --if-not-exists");
        var created = Pattern.compile("--topic (\\S+) --partitions (\\d+)")
                .matcher(script)
                .results()
                .collect(Collectors.toMap(topic -> topic.group(1), topic -> Integer.valueOf(topic.group(2))));
        assertThat(created.keySet()).isEqualTo(wanted);
        assertThat(created)
                .isEqualTo(EmbeddedKafka.TOPICS.stream()
                        .collect(Collectors.toMap(NewTopic::name, NewTopic::numPartitions)));
    }
}
