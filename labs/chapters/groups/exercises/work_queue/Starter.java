import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Exercise 07.3: a worker of a share group; each try of a task is a line. */
public class Starter {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) {
        var settings = new Properties();
        settings.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        settings.put("group.id", System.getenv("GROUP"));
        try (var consumer =
                new KafkaShareConsumer<>(
                        settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(System.getenv("TOPIC")));
            while (true) {
                for (var message : consumer.poll(Duration.ofSeconds(1))) {
                    var place = message.partition() + " " + message.offset();
                    if (succeeds(message)) {
                        System.out.println(place + " done " + message.value());
                    } else {
                        System.out.println(place + " failed");
                    }
                }
            }
        }
    }

    /** Whether this try of a task succeeds. */
    private static boolean succeeds(ConsumerRecord<String, String> message) {
        try {
            var fails = JSON.readValue(message.value(), JsonNode.class).path("fails").asInt(0);
            return message.deliveryCount().orElse((short) 0) > fails;
        } catch (IOException error) {
            return false;
        }
    }
}
