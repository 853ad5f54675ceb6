import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Exercise 05.3: the records of AIRLINE from FROM_MS on, as `PARTITION OFFSET VALUE`. */
public class Starter {
    public static void main(String[] arguments) {
        var settings = new Properties();
        settings.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        settings.put("group.id", System.getenv("GROUP"));
        settings.put("auto.offset.reset", "earliest");
        try (var consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(System.getenv("TOPIC")));
            var records = consumer.poll(Duration.ofSeconds(3));
            while (!records.isEmpty()) {
                for (var record : records) {
                    if (record.key().equals(System.getenv("AIRLINE"))) {
                        System.out.println(
                                record.partition() + " " + record.offset() + " " + record.value());
                    }
                }
                records = consumer.poll(Duration.ofSeconds(3));
            }
        }
    }
}
