import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Exercise 06.1: each record of TOPIC to OUTPUT, in capital letters, exactly once. */
public class Starter {
    public static void main(String[] arguments) {
        var output = System.getenv("OUTPUT");
        var sending = new Properties();
        sending.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        var reading = new Properties();
        reading.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        reading.put("group.id", System.getenv("GROUP"));
        reading.put("auto.offset.reset", "earliest");
        reading.put("enable.auto.commit", "false");
        reading.put("max.poll.records", "50");
        try (var producer =
                        new KafkaProducer<>(sending, new StringSerializer(), new StringSerializer());
                var consumer =
                        new KafkaConsumer<>(
                                reading, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(System.getenv("TOPIC")));
            while (true) {
                var records = consumer.poll(Duration.ofSeconds(1));
                for (var record : records) {
                    var value = record.value().toUpperCase();
                    producer.send(new ProducerRecord<>(output, record.key(), value));
                    System.out.println(record.partition() + " " + record.offset() + " " + record.value());
                }
                producer.flush();
                if (!records.isEmpty()) {
                    consumer.commitSync();
                }
            }
        }
    }
}
